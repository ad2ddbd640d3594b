/** Everything from start to end on two simulated cards: run, records, tables, report and charts of a machine with GPUs. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ExitCode } from "../../src/base/exit-codes.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { testPython } from "../fixtures/python.js";
import { recordsIn, scratchFolder } from "../fixtures/run-folder.js";
import { TINY_EXPERIMENT } from "../fixtures/started-run.js";
import { falconExp } from "./cli.js";

const tiny = fileURLToPath(new URL("../../experiments/falcon-tiny.yaml", import.meta.url));
const BUSY = "GPU-aaaaaaaa-0000-0000-0000-000000000001";
const IDLE = "GPU-bbbbbbbb-0000-0000-0000-000000000002";

interface Card {
  readonly [key: string]: unknown;
}

/** Writes a file of two cards that differ in their energy counters and in how many other processes use them. */
function writeCards(folder: string, idle: Card = {}, memory_total_bytes = 1_000_000_000): string {
  const path = join(folder, "cards.json");
  const common = { memory_total_bytes, energy_step_sec: 0 };
  const cards = [
    { ...common, name: "Simulated A", uuid: BUSY, joules_per_reading: 4900, other_processes: 3 },
    { ...common, name: "Simulated B", uuid: IDLE, joules_per_reading: 300, ...idle },
  ];
  writeFileSync(path, JSON.stringify({ cards }));
  return path;
}

async function runOn(cards: (folder: string) => string, sets: readonly string[]) {
  const cwd = scratchFolder();
  const env = { FALCON_EXP_SIMULATED_ACCELERATOR: cards(cwd) };
  const quiet = ["--set", "disturbed_retries=0"];
  const args = ["run", "--python", testPython(), tiny, ...quiet, ...sets.flatMap((set) => ["--set", set])];
  const result = await falconExp(args, { cwd, env });
  return { ...result, ...recordsIn(cwd) };
}

test("a run on one of two cards has that card's memory, energy and identity in records, tables and charts", async () => {
  const { exitCode, stdout, stderr, folder, records } = await runOn(writeCards, [
    "matrix.device=[cuda:1]",
    "matrix.quantization=[none, fp4]",
    "rounds=1",
    "repeats=1",
  ]);
  expect(exitCode, stderr).toBe(ExitCode.ok);
  const trials = records.flatMap((record) =>
    record.kind === "trial" && record.status === "completed" ? [record.measurement] : [],
  );
  expect(trials).toHaveLength(6);
  for (const trial of trials) {
    expect(trial.devices).toEqual([IDLE]);
    // Card A's counter gains 4,900 J in the same time.
    expect([trial.energy_joules, trial.energy_source]).toEqual([300, "simulated"]);
    expect(trial.energy_per_token_joules).toBeCloseTo(300 / trial.output_tokens, 9);
    expect(trial.gpu_state_after?.map(({ other_processes }) => other_processes)).toEqual([0]);
    expect(trial.peak_memory_allocated_bytes).toBeGreaterThan(0);
  }
  const loads = records.flatMap((record) => (record.kind === "load" ? [record.load] : []));
  expect(loads.map(({ devices }) => devices?.map(({ uuid }) => uuid))).toEqual(loads.map(() => [IDLE]));
  const peaks = new Map(
    records.flatMap((record) =>
      record.kind === "trial" && record.status === "completed"
        ? [[record.configuration_id, record.measurement.peak_memory_allocated_bytes] as const]
        : [],
    ),
  );
  for (const record of records) {
    if (record.kind !== "load") continue;
    expect(peaks.get(record.configuration_id)).toBeGreaterThanOrEqual(record.load.proof.weights_bytes);
  }
  expect(stdout).toContain("Peak GPU");
  expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("J/token");
  expect(stdout).not.toContain("Peak RSS");
  expect(stdout).toContain("the GPUs are simulated");
  // The three other processes are on card A, which this run does not use.
  expect(stdout + stderr).not.toMatch(/GPU 0 is used/);
  const article = JSON.parse(readFileSync(join(folder, "charts/article-none.vl.json"), "utf8")) as {
    title: { text: string | readonly string[] };
  };
  expect([article.title.text].flat().join(" ")).toBe(
    "GPU Memory Consumption and Execution Time for Each Trial",
  );
  const page = readFileSync(join(folder, "report.html"), "utf8");
  expect(page).toContain("Peak GPU");
  expect(page).toContain(IDLE);
  expect(page).toContain("the GPUs are simulated");
});

test("what does not fit on a card fails for lack of its memory, and so the larger ones are not tried", async () => {
  const { exitCode, records } = await runOn(
    (folder) => writeCards(folder, { memory_total_bytes: 3_000_000 }),
    ["matrix.device=[cuda:1]", "matrix.quantization=[fp4, int8, none]", "repeats=1"],
  );
  expect(exitCode).toBe(ExitCode.allFailed);
  const outcomes = records.flatMap((record) =>
    record.kind === "configuration"
      ? [[record.configuration, record.status === "failed" ? record.failure.code : record.status]]
      : [],
  );
  expect(outcomes).toEqual([
    ["fp4", "out-of-memory-device"],
    ["int8", "skipped"],
    ["none", "skipped"],
  ]);
});

test("a plan over two cards at once: what needs both has both, each other part is whole on one, and what they lose by each other is told", async () => {
  const cwd = scratchFolder();
  // Together with the 600 MB expected for the CUDA context, the weights take 650 MB in float32 and 625 MB in bfloat16; nine
  // tenths of a card are 637 MB.
  writeFileSync(
    join(cwd, "two.yaml"),
    `${TINY_EXPERIMENT.replace("hidden_size: 64", "hidden_size: 1024").replace(
      "matrix: { quantization: [none, fp4] }",
      "matrix: { dtype: [float32, bfloat16], max_new_tokens: [3, 4], quantization: [none, fp4], device: [auto] }\nexclude: [{ dtype: float32, max_new_tokens: 4 }]",
    )}`,
  );
  const env = { FALCON_EXP_SIMULATED_ACCELERATOR: writeCards(cwd, {}, 708_000_000) };
  const args = ["run", "two.yaml", "--devices", "cuda:0,cuda:1", "--python", testPython()];
  const { exitCode, stderr } = await falconExp(args, { cwd, env });
  expect(exitCode, stderr).toBe(ExitCode.ok);
  expect(stderr).toMatch(/devices?.* of its speed alone while the others read too/);
  expect(
    stderr
      .match(/^slice \d of 3 on .*/gm)
      ?.map((line) => line.replace(/^slice \d of 3 on /, ""))
      .toSorted(),
  ).toEqual(["cuda:0", "cuda:0, cuda:1", "cuda:1"]);
  const { folder, records } = recordsIn(cwd);
  // Which cards each task's worker could see, and what was measured there.
  const seen = readdirSync(join(folder, "tasks")).map((task) => {
    const own = readFileSync(join(folder, "tasks", task, "records.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as RunFileRecord);
    const cards = own.flatMap((record) =>
      record.kind === "environment" ? [record.environment.gpus.map(({ uuid }) => uuid)] : [],
    );
    const dtypes = own.flatMap((record) =>
      record.kind === "trial" ? [/float32/.test(record.configuration) ? "float32" : "bfloat16"] : [],
    );
    return `${[...new Set(dtypes)]} of ${dtypes.length} on ${cards.flat().toSorted()}`;
  });
  expect(seen.toSorted()).toEqual([
    `bfloat16 of 4 on ${BUSY}`,
    `bfloat16 of 4 on ${IDLE}`,
    `float32 of 4 on ${BUSY},${IDLE}`,
  ]);
  const trials = records.flatMap((record) => (record.kind === "trial" ? [record.trial_id] : []));
  expect(trials).toHaveLength(12);
  expect(new Set(trials).size).toBe(12);
});
