/**
 * `npm run bench:gpu`: measures models with the geometry of large ones on this machine's GPU, beside what its memory allows.
 *
 * Runs falcon-40b-geometry.yaml (the article: fp4 and int8) and llama-8b-geometry.yaml (none, int8, nf4) through the command
 * line. The weights are random, so nothing is downloaded. The limit is the card's measured bandwidth ÷ the weights that a
 * token reads. Prints a Markdown table, for docs/gpu.md.
 *   --python PATH   an interpreter with the worker's libraries; default FALCON_EXP_PYTHON, else the tests' own
 *   --only NAMES    some of falcon,llama
 *   --small         a few small layers in place of each geometry, to try it
 *   --simulated     small, on simulated cards: their speeds and limits are those of the CPU, and mean nothing
 *   --save FILE     rows, card and versions as JSON
 * Exits 1 if a configuration has no figures.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { choosePython } from "../scripts/gpu/choose-python.js";
import { type FinishedRun, runExperiment } from "../scripts/gpu/run-experiment.js";
import { writeSimulatedCards } from "../scripts/gpu/simulated-cards.js";
import { computeLimitRows } from "./gpu/limits.js";
import { SMALL_GEOMETRIES } from "./gpu/small-geometries.js";
import { formatLimitRows } from "./gpu/table.js";

const EXPERIMENTS = { falcon: "falcon-40b-geometry.yaml", llama: "llama-8b-geometry.yaml" } as const;
type Name = keyof typeof EXPERIMENTS;

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    python: { type: "string" },
    only: { type: "string", default: "falcon,llama" },
    small: { type: "boolean", default: false },
    simulated: { type: "boolean", default: false },
    save: { type: "string" },
  },
});

function readNames(text: string): readonly Name[] {
  const names = text.split(",");
  const isName = (name: string): name is Name => Object.hasOwn(EXPERIMENTS, name);
  if (!names.every(isName))
    throw new RangeError(`--only takes some of ${Object.keys(EXPERIMENTS).join(",")}`);
  return names;
}

function listChanges(name: Name): readonly string[] {
  const isSmall = values.small || values.simulated;
  return [
    "matrix.device=cuda",
    ...(isSmall ? [`model=${JSON.stringify({ config: SMALL_GEOMETRIES[name], weights: "random" })}`] : []),
  ];
}

/** The machine and versions that the figures belong to, without which they say nothing. */
function describeMachine({ records, summary }: FinishedRun) {
  const environment = records.find((record) => record.kind === "environment")?.environment;
  return {
    falcon_exp_version: summary.falcon_exp_version,
    started_at: summary.started_at,
    gpus: environment?.gpus ?? [],
    gpu_driver_version: environment?.gpu_driver_version ?? null,
    cuda_version: environment?.cuda_version ?? null,
    cpu_model: environment?.cpu_model ?? null,
    packages: environment?.packages ?? {},
    memory_bandwidth: environment?.memory_bandwidth ?? [],
  };
}

const names = readNames(values.only);
const scratch = mkdtempSync(join(tmpdir(), "falcon-exp-gpu-bench-"));
try {
  const python = await choosePython(root, values.python);
  const env: Record<string, string> = values.simulated ? writeSimulatedCards(scratch) : {};
  const runs: FinishedRun[] = [];
  for (const name of names) {
    const experimentFile = join(root, "experiments", EXPERIMENTS[name]);
    const results = join(scratch, "results");
    runs.push(
      await runExperiment({ root, python, experimentFile, results, changes: listChanges(name), env }),
    );
  }
  const rows = runs.flatMap(({ summary, records }) => computeLimitRows(summary, records));
  const machines = runs.map(describeMachine);
  const cards = [...new Set(machines.flatMap(({ gpus }) => gpus.map(({ name }) => name)))];
  console.log(`${cards.join(", ") || "no card"}, driver ${machines[0]?.gpu_driver_version ?? "unknown"}\n`);
  console.log(formatLimitRows(rows));
  if (values.save !== undefined) {
    const kept = { machine: machines[0] ?? null, is_small: values.small || values.simulated, rows };
    writeFileSync(values.save, `${JSON.stringify(kept, null, 2)}\n`);
  }
  process.exitCode = rows.length > 0 && rows.every((row) => row.decode_tokens_per_sec !== null) ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
