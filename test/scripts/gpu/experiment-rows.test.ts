import { expect, test } from "vitest";
import { listExperimentRows, type RunOnGpu } from "../../../scripts/gpu/experiment-rows.js";

type Configurations = RunOnGpu["summary"]["configurations"];

/** The part of a summary that the rows are made from. */
const configuration = {
  label: "fp4",
  status: "completed",
  failure: null,
  trials_completed: 6,
  trials_planned: 6,
  memory_metric: "peak_memory_allocated_bytes",
  peak_memory_bytes: { median: 23e6 },
  decode_tokens_per_sec: { median: 51.25 },
};

const run = (one: object, changes: Partial<RunOnGpu> = {}): RunOnGpu => ({
  summary: {
    experiment: "falcon-tiny",
    configurations: [{ ...configuration, ...one }] as unknown as Configurations,
  } as RunOnGpu["summary"],
  cards: ["GPU-1", "GPU-2"],
  trialDevices: [["GPU-1"], ["GPU-1"]],
  memoryAxes: ["Peak GPU memory allocated (GB)"],
  ...changes,
});

const results = (one: RunOnGpu) => listExperimentRows(one).map(({ result }) => result);

test("a configuration that ran on the card shows its memory and rate", () => {
  expect(listExperimentRows(run({}))).toMatchObject([
    { what: "falcon-tiny: fp4", figure: "6 of 6 trials, Peak GPU 23 MB, 51.3 tokens/s", result: "ok" },
    { what: "falcon-tiny: card of the trials", figure: "GPU-1", result: "ok" },
    { what: "falcon-tiny: charts' memory axis", result: "ok" },
  ]);
});

test("a failed configuration is a FAILED row with its code and message", () => {
  const failure = { code: "out-of-memory-device", message: "No room." };
  const [row] = listExperimentRows(run({ status: "failed", failure }));
  expect(row).toMatchObject({ figure: "out-of-memory-device", result: "FAILED", reason: "No room." });
});

test("a configuration that was measured by the host's memory is FAILED", () => {
  expect(results(run({ memory_metric: "peak_rss_bytes" }))[0]).toBe("FAILED");
});

test("trials on another card, or on several, are FAILED", () => {
  expect(results(run({}, { trialDevices: [["GPU-2"]] }))[1]).toBe("FAILED");
  expect(results(run({}, { trialDevices: [["GPU-1"], ["GPU-2"]] }))[1]).toBe("FAILED");
  expect(results(run({}, { trialDevices: [] }))[1]).toBe("FAILED");
});

test("a chart of another memory, or none, is FAILED", () => {
  expect(results(run({}, { memoryAxes: ["Peak RSS (GB)"] }))[2]).toBe("FAILED");
  expect(results(run({}, { memoryAxes: [] }))[2]).toBe("FAILED");
});
