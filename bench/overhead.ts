/**
 * `npm run bench:overhead [-- --rounds 3]`: what falcon-exp's isolation, supervision and records cost.
 *
 * Runs `experiments/quant.yaml` and a hand-written single-process script (article_script.py) that does the same
 * work, in turn: script, falcon-exp, falcon-exp, script, … so that drift of the machine meets both alike.
 * Promises, both from the one interleaved run; exits 1 when either is broken:
 *   generate time   median over trials of falcon-exp ÷ script within 2 %
 *   whole sweep     median wall time of falcon-exp ÷ script at most 1.10
 * Needs `falcon-exp setup` to have run.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatSeconds } from "../src/base/units.js";
import { loadExperiment } from "../src/experiment/load.js";
import { median } from "./ratios.js";

const GENERATE_TOLERANCE = 0.02;
const WALL_LIMIT = 1.1;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cli = here("../bin/falcon-exp.js");
const experimentFile = here("../experiments/quant.yaml");

interface Timing {
  readonly wallSec: number;
  /** Seconds of one generate, by `<quantization>/<prompt index>`. */
  readonly generateSec: ReadonlyMap<string, number>;
}

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(values.rounds);

const setup = JSON.parse(execFileSync(process.execPath, [cli, "setup", "--json"], { encoding: "utf8" })) as {
  python: string;
  builtin_model: string;
};
const { experiment } = await loadExperiment(experimentFile, { overrides: [] });
const scriptPlan = JSON.stringify({
  quantizations: ["none", "int8", "fp4"],
  prompts: experiment.prompts.map(({ text }) => text),
  // quant.yaml asks for exactly this many: at least and at most.
  new_tokens: experiment.base.max_new_tokens,
  warmup: experiment.warmup,
});

function runScript(): Timing {
  const started = process.hrtime.bigint();
  const args = [here("article_script.py"), "--model", setup.builtin_model, "--plan", scriptPlan];
  const output = execFileSync(setup.python, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const wallSec = Number(process.hrtime.bigint() - started) / 1e9;
  const { trials } = JSON.parse(output) as {
    trials: { quantization: string; prompt_index: number; elapsed_sec: number }[];
  };
  const entries = trials.map((t): [string, number] => [`${t.quantization}/${t.prompt_index}`, t.elapsed_sec]);
  return { wallSec, generateSec: new Map(entries) };
}

function runFalconExp(): Timing {
  const results = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
  try {
    const started = process.hrtime.bigint();
    const args = [cli, "run", experimentFile, "--results", results, "--json"];
    const summary = JSON.parse(
      execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
    );
    const wallSec = Number(process.hrtime.bigint() - started) / 1e9;
    const records = readFileSync(join(results, "quant", summary.run_id, "records.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const entries = records
      .filter((record) => record.kind === "trial" && record.status === "completed")
      .map((r): [string, number] => [`${r.configuration}/${r.prompt_index}`, r.measurement.elapsed_sec]);
    return { wallSec, generateSec: new Map(entries) };
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

const pairs: { script: Timing; falconExp: Timing }[] = [];
for (let round = 0; round < rounds; round++) {
  // ABBA: the order turns around each round.
  const first = round % 2 === 0 ? runScript() : runFalconExp();
  const second = round % 2 === 0 ? runFalconExp() : runScript();
  const pair = round % 2 === 0 ? { script: first, falconExp: second } : { script: second, falconExp: first };
  pairs.push(pair);
  const wall = `script ${formatSeconds(pair.script.wallSec)}, falcon-exp ${formatSeconds(pair.falconExp.wallSec)}`;
  console.error(`round ${round + 1}/${rounds}: ${wall}`);
}

const generateRatios = pairs.flatMap(({ script, falconExp }) =>
  [...script.generateSec].map(([key, seconds]) => {
    const measured = falconExp.generateSec.get(key);
    if (measured === undefined) throw new Error(`falcon-exp did not measure ${key}`);
    return { configuration: key.split("/")[0] ?? "", ratio: measured / seconds };
  }),
);
const generateRatio = median(generateRatios.map(({ ratio }) => ratio));
const byConfiguration = ["none", "int8", "fp4"].map((name) => {
  const own = generateRatios.filter(({ configuration }) => configuration === name);
  return [name, Number(median(own.map(({ ratio }) => ratio)).toFixed(4))];
});
const wallRatio = median(pairs.map(({ script, falconExp }) => falconExp.wallSec / script.wallSec));
console.log(
  JSON.stringify({
    rounds,
    trials_compared: generateRatios.length,
    generate_ratio_median: Number(generateRatio.toFixed(4)),
    generate_ratio_median_by_configuration: Object.fromEntries(byConfiguration),
    generate_tolerance: GENERATE_TOLERANCE,
    script_wall_sec: pairs.map(({ script }) => Number(script.wallSec.toFixed(1))),
    falcon_exp_wall_sec: pairs.map(({ falconExp }) => Number(falconExp.wallSec.toFixed(1))),
    wall_ratio_median: Number(wallRatio.toFixed(3)),
    wall_limit: WALL_LIMIT,
  }),
);
process.exitCode = Math.abs(generateRatio - 1) <= GENERATE_TOLERANCE && wallRatio <= WALL_LIMIT ? 0 : 1;
