/**
 * `npm run check:gpu`: checks in a few minutes whether falcon-exp works correctly on this machine's GPU, and prints one table.
 *
 * Runs `python -m pytest -m gpu` (python/tests/gpu) and one experiment through the command line. Needs no network.
 *   --python PATH      an interpreter with the worker's libraries and pytest; default FALCON_EXP_PYTHON, else the tests' own
 *   --experiment FILE  the experiment; default experiments/falcon-tiny.yaml
 *   --simulated        use two simulated cards, to try every line of this without a GPU
 *   --save FILE        also write the table's rows as JSON
 * Exits 1 if a row FAILED, else 0; without a GPU every row is skipped for that reason.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { choosePython } from "./gpu/choose-python.js";
import { listExperimentRows, readRunOnGpu } from "./gpu/experiment-rows.js";
import { readJunitRows } from "./gpu/junit-rows.js";
import { countResults, formatRows, type Row } from "./gpu/rows.js";
import { runExperiment } from "./gpu/run-experiment.js";
import { writeSimulatedCards } from "./gpu/simulated-cards.js";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    python: { type: "string" },
    experiment: { type: "string", default: join(root, "experiments", "falcon-tiny.yaml") },
    simulated: { type: "boolean", default: false },
    save: { type: "string" },
  },
});

const scratch = mkdtempSync(join(tmpdir(), "falcon-exp-gpu-"));
const env: Record<string, string> = values.simulated ? writeSimulatedCards(scratch) : {};

async function runTests(python: string): Promise<Row[]> {
  const report = join(scratch, "pytest.xml");
  const args = ["-m", "pytest", "-m", "gpu", "tests/gpu", `--junitxml=${report}`];
  const cwd = join(root, "python");
  const { exitCode } = await execa(python, args, { cwd, env, stdout: 2, stderr: 2, reject: false });
  if (!existsSync(report)) throw new Error(`pytest ended with exit code ${exitCode} and left no report`);
  return readJunitRows(readFileSync(report, "utf8"));
}

async function runOneExperiment(python: string): Promise<Row[]> {
  const results = join(scratch, "results");
  const changes = ["matrix.device=cuda"];
  const run = await runExperiment({ root, python, experimentFile: values.experiment, results, changes, env });
  return listExperimentRows(readRunOnGpu(run));
}

/** Turns an error into a failed row, because the table is all that a reader sees. */
async function attempt(what: string, work: () => Promise<Row[]>): Promise<Row[]> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ what, figure: "", expected: "", result: "FAILED", reason }];
  }
}

try {
  const started = process.hrtime.bigint();
  const python = await choosePython(root, values.python);
  const rows = await attempt("python -m pytest -m gpu", () => runTests(python));
  const hasGpu = rows.some(({ result }) => result !== "skipped");
  if (hasGpu) rows.push(...(await attempt(values.experiment, () => runOneExperiment(python))));
  const elapsed = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(formatRows(rows));
  console.log(
    `\n${countResults(rows)} in ${elapsed.toFixed(0)} s${values.simulated ? ", on simulated cards" : ""}`,
  );
  if (values.save !== undefined) writeFileSync(values.save, `${JSON.stringify(rows, null, 2)}\n`);
  process.exitCode = rows.some(({ result }) => result === "FAILED") ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
