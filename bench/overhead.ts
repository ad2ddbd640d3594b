/**
 * `npm run bench:overhead`: what measuring with falcon-exp costs, compared with a loop written by hand.
 *
 * Promises, each with a 95 % interval no wider than ± 1 %:
 *   generate   falcon-exp ÷ plain loop at most 1.01, for none, int8 and fp4: pairs of generates in the same process with the
 *              same model, token by token in turns; with --process own, in processes of their own in slices of 50 ms
 *   sweep      `falcon-exp run experiments/quant.yaml` ÷ article_script.py at most 1.03: whole runs in slices
 * Exits 0 if all hold, 1 if one FAILED or is not resolved. Method and options: docs/benchmarks.md.
 * Needs `falcon-exp setup` to have run.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { prepareDevPython } from "../scripts/dev-python.js";
import { formatSeconds } from "../src/base/units.js";
import { loadExperiment } from "../src/experiment/load.js";
import { makePlan } from "../src/plan/make-plan.js";
import { describePrompt } from "../src/protocol/prompt.js";
import {
  computeGenerateInterval,
  type Load,
  measureGenerates,
  measureGeneratesWithin,
  nameConfiguration,
  type RoundsOptions,
} from "./overhead/generates.js";
import { LARGE_PAGES } from "./overhead/large-pages.js";
import { summarizeLoads } from "./overhead/load-summary.js";
import { SWITCHES } from "./overhead/sides.js";
import { judgeInterval, type RatioInterval } from "./overhead/statistics.js";
import { computeSweepInterval, measureSweeps } from "./overhead/sweep.js";
import { formatTable, type Row } from "./overhead/table.js";

const GENERATE_LIMIT = 1.01;
const SWEEP_LIMIT = 1.03;
const RESOLUTION = 0.01;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cli = here("../bin/falcon-exp.js");
const experimentFile = here("../experiments/quant.yaml");

const { values } = parseArgs({
  options: {
    measured: { type: "string", default: "product" },
    against: { type: "string", default: "plain" },
    process: { type: "string", default: "same" },
    only: { type: "string", default: "none,int8,fp4,sweep" },
    diagnose: { type: "string" },
    loads: { type: "string", default: "10" },
    "most-loads": { type: "string" },
    pairs: { type: "string", default: "6" },
    "slice-ms": { type: "string", default: "50" },
    sweeps: { type: "string", default: "4" },
    "most-sweeps": { type: "string" },
    "quiet-cpus": { type: "string", default: "0.05" },
    seed: { type: "string", default: "20261128" },
    python: { type: "string" },
    save: { type: "string" },
  },
});
const only = new Set(values.only.split(","));
const comparable = ["none", "int8", "fp4", "sweep"];
if ([...only].some((name) => !comparable.includes(name))) {
  throw new RangeError(`--only takes some of ${comparable.join(",")}`);
}
const places = new Set(values.process.split(","));
if ([...places].some((place) => place !== "same" && place !== "own")) {
  throw new RangeError("--process takes same, own, or both");
}
const pythonArguments = values.python === undefined ? [] : ["--python", values.python];
const onLine = (line: string) => console.error(line);

const setup = JSON.parse(
  execFileSync(process.execPath, [cli, "setup", "--json", ...pythonArguments], { encoding: "utf8" }),
) as { python: string; python_path: string; builtin_model: string; home: string };
const { experiment } = await loadExperiment(experimentFile, { overrides: [] });
const plan = makePlan(experiment, { workerCodeSha256: "" });
const configurations = plan.configurations
  .filter((one) => only.has(nameConfiguration(one)))
  .map((one) => ({
    ...one,
    worker: { ...one.worker, model: { source: "path" as const, path: setup.builtin_model } },
  }));
const prompts = experiment.prompts.map(({ text }) => describePrompt(text));

const quietCpus = Number(values["quiet-cpus"]);
const sliceMs = Number(values["slice-ms"]);
const loads = Number(values.loads);

const common: RoundsOptions = {
  python: setup.python,
  modelPath: setup.builtin_model,
  env: { FALCON_EXP_HOME: setup.home, PYTHONPATH: setup.python_path, ...LARGE_PAGES },
  timeouts: plan.header.timeouts,
  configurations,
  prompts,
  warmup: experiment.warmup,
  loads,
  mostLoads: Number(values["most-loads"] ?? 2 * loads),
  pairs: Number(values.pairs),
  quietCpus,
  resolution: RESOLUTION,
  seed: Number(values.seed),
  onLine,
};

const rows: Row[] = [];
const ratios: Record<string, RatioInterval | null> = {};
const kept: unknown[] = [];

/** Pairs in processes of their own. */
async function compareGenerates(measured: string, against: string, limit: number | null): Promise<void> {
  onLine(`${measured} against ${against}, seed ${values.seed}`);
  const made = await measureGenerates({ ...common, measured, against, sliceMs });
  addGenerates(`${measured} ÷ ${against}`, made, limit);
  kept.push({ measured, against, loads: made });
}

/** Pairs in the same process, with the Python of the tests, which has what lets them take turns. */
async function compareWithin(): Promise<void> {
  onLine(`product against plain in the same process, seed ${values.seed}`);
  const python = values.python ?? (await prepareDevPython(here(".."))).interpreter;
  const made = await measureGeneratesWithin({ ...common, python });
  addGenerates("the same process", made, GENERATE_LIMIT);
  kept.push({ process: "same", loads: made });
}

function addGenerates(what: string, made: readonly Load[], limit: number | null): void {
  for (const name of configurations.map(nameConfiguration)) {
    const interval = computeGenerateInterval(made, name);
    // The sweep is weighted with the first ones, which are those of the same process unless these were not asked for.
    ratios[name] ??= interval;
    const own = made.filter(({ configuration }) => configuration === name);
    const verdict = judgeInterval(interval, {
      limit: limit ?? Number.POSITIVE_INFINITY,
      resolution: RESOLUTION,
    });
    rows.push({
      what: `${name}: ${what}`,
      interval,
      limit,
      verdict,
      ...summarizeLoads(own),
    });
  }
}

async function compareSweeps(): Promise<void> {
  const rounds = Number(values.sweeps);
  const made = await measureSweeps({
    python: setup.python,
    modelPath: setup.builtin_model,
    experimentFile,
    scriptPlan: JSON.stringify({
      quantizations: ["none", "int8", "fp4"],
      prompts,
      // quant.yaml asks for exactly this many: it is both the minimum and the maximum.
      new_tokens: experiment.base.max_new_tokens,
      warmup: experiment.warmup,
    }),
    // One round, because the script loads each configuration once. A trial cannot know that its side stood still in between.
    runArguments: [...pythonArguments, "--set", "rounds=1", "--set", "disturbed_retries=0"],
    rounds,
    mostRounds: Number(values["most-sweeps"] ?? 2 * rounds),
    resolution: RESOLUTION,
    generates: ratios,
    sliceMs,
    quietCpus,
    onLine,
  });
  const interval = computeSweepInterval(made, ratios);
  const verdict = judgeInterval(interval, { limit: SWEEP_LIMIT, resolution: RESOLUTION });
  const disturbed = made.filter(({ isDisturbed }) => isDisturbed).length;
  rows.push({ what: "sweep: run ÷ script", interval, limit: SWEEP_LIMIT, verdict, disturbed, use: null });
  kept.push({ sweeps: made });
}

if (values.diagnose === undefined) {
  const isPromised = values.measured === "product" && values.against === "plain";
  const haveGenerates = configurations.length > 0;
  if (haveGenerates && isPromised && places.has("same")) await compareWithin();
  // Other sides than these two exist only in processes of their own.
  if (haveGenerates && (places.has("own") || !isPromised)) {
    await compareGenerates(values.measured, values.against, isPromised ? GENERATE_LIMIT : null);
  }
  if (only.has("sweep")) await compareSweeps();
} else {
  const names = values.diagnose === "each" ? Object.keys(SWITCHES) : values.diagnose.split(";");
  await compareGenerates("plain", "plain", null);
  for (const name of names) await compareGenerates("product", `without:${name}`, null);
}
console.log(formatTable(rows));
onLine(`measured in ${formatSeconds(performance.now() / 1000)}`);
if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify({ options: values, kept })}\n`);
process.exitCode = rows.every(({ verdict }) => verdict === "holds") ? 0 : 1;
