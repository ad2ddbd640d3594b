/**
 * Checks the verdicts of real runs whose truth is known. Run it after `npm run build`:
 *
 *   npx tsx bench/load-generators.ts identical --runs 5 --from 6 --save same.jsonl
 *     the same configuration twice, while load generators start and stop: how often are times called different?
 *   npx tsx bench/load-generators.ts different --runs 20 --save different.jsonl
 *     a configuration that does about 1.3 times the work, on a machine that nobody else uses: how often is this found?
 *   npx tsx bench/load-generators.ts ratio
 *     how much slower it truly is, measured by a loop without falcon-exp
 *
 * A run compares five pairs, each of a different model, so twenty runs make a hundred comparisons. Each comparison is a line of
 * the saved file, and runs that are already in it are not measured again, so the hundred can be done in parts. The number of a
 * run is the seed of its load generators.
 */
import { spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Comparison, RunSummary } from "../src/run/summary-schema.js";
import {
  COMPARISONS_A_RUN,
  describeExperiment,
  type ExperimentName,
  MODEL_CONFIG,
  SLOWER,
} from "./load-generators/experiments.js";
import { startGenerators } from "./load-generators/generators.js";
import { describeOutcomes, type Outcome, readOutcome } from "./load-generators/outcomes.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const bin = here("../bin/falcon-exp.js");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "20" },
    from: { type: "string", default: "1" },
    save: { type: "string" },
    python: { type: "string" },
  },
});
const what = positionals[0] ?? "identical";
if (what === "ratio") await printTrueRatio();
else if (what === "identical" || what === "different") await measureAll(what);
else throw new RangeError(`${what}: write identical, different or ratio`);

async function measureAll(name: ExperimentName): Promise<void> {
  const first = Number(values.from);
  const numbers = Array.from({ length: Number(values.runs) }, (_, index) => first + index);
  const known = readSaved(name);
  const folder = mkdtempSync(join(tmpdir(), "load-generators-"));
  writeFileSync(join(folder, `${name}.yaml`), describeExperiment(name));
  try {
    for (const number of numbers) {
      if (known.some((one) => one.number === number)) continue;
      const outcomes = await measureOnce(name, number, folder);
      known.push(...outcomes);
      if (values.save !== undefined) {
        appendFileSync(values.save, outcomes.map((one) => `${JSON.stringify(one)}\n`).join(""));
      }
      for (const {
        model,
        verdict,
        ratio,
        pairs,
        pairs_disturbed: disturbed,
        elapsed_sec: seconds,
      } of outcomes) {
        const told = `${verdict}, ${ratio?.toFixed(2) ?? "no"}×, ${disturbed} of ${pairs} pairs disturbed, ${seconds.toFixed(0)} s`;
        process.stdout.write(`run ${number}, model ${model}: ${told}\n`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(`${describeOutcomes(name, known)}\n`);
}

function readSaved(name: ExperimentName): Outcome[] {
  if (values.save === undefined || !existsSync(values.save)) return [];
  const lines = readFileSync(values.save, "utf8").split("\n");
  const all = lines.flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Outcome]));
  return all.filter((one) => one.experiment === name);
}

async function measureOnce(name: ExperimentName, number: number, folder: string): Promise<Outcome[]> {
  const load = name === "identical" ? startGenerators(number) : null;
  const started = performance.now();
  try {
    const results = join(folder, "results");
    const python = name === "different" ? writeSlowerPython(folder) : values.python;
    const code = await execute(process.execPath, [
      bin,
      "run",
      join(folder, `${name}.yaml`),
      "--results",
      results,
      ...(python === undefined ? [] : ["--python", python]),
    ]);
    const comparisons =
      code === 0 ? readComparisons(join(results, name)) : Array<null>(COMPARISONS_A_RUN).fill(null);
    const elapsed_sec = (performance.now() - started) / 1000;
    return comparisons.map((comparison, model) => ({
      ...{ experiment: name, number, model, exit_code: code, elapsed_sec },
      ...readOutcome(comparison),
    }));
  } finally {
    load?.stop();
  }
}

function readComparisons(experiment: string): Comparison[] {
  const newest = readdirSync(experiment).sort().at(-1) ?? "";
  const summary = JSON.parse(readFileSync(join(experiment, newest, "summary.json"), "utf8")) as RunSummary;
  const comparisons = summary.configurations.flatMap((one) => one.against_reference ?? []);
  if (comparisons.length !== COMPARISONS_A_RUN)
    throw new Error(`${newest}: ${comparisons.length} comparisons`);
  return comparisons;
}

async function printTrueRatio(): Promise<void> {
  await execute(values.python ?? readManagedPython(), [
    here("true_ratio.py"),
    JSON.stringify({ config: MODEL_CONFIG, ...SLOWER }),
  ]);
}

/** Writes an interpreter that starts the slower worker instead of the product's own. */
function writeSlowerPython(folder: string): string {
  const file = join(folder, "python");
  const python = `"${values.python ?? readManagedPython()}"`;
  const lines = [
    "#!/bin/sh",
    `export FALCON_EXP_BENCH_SLOWER=${SLOWER.of_ten} PYTHONPATH="$PYTHONPATH:${here(".")}"`,
    `if [ "$1 $2" = "-m falcon_exp.worker" ]; then shift 2; exec ${python} "${here("variant_worker.py")}" --without "" "$@"; fi`,
    `exec ${python} "$@"`,
  ];
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""), { mode: 0o755 });
  return file;
}

function readManagedPython(): string {
  const python = process.env.FALCON_EXP_TEST_PYTHON;
  if (python === undefined) throw new Error("name an environment: --python PATH");
  return python;
}

function execute(command: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(command, args, {
    stdio: ["ignore", what === "ratio" ? "inherit" : "ignore", "ignore"],
  });
  return new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
}
