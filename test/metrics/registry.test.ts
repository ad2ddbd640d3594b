import { expect, test } from "vitest";
import { LOAD_METRICS } from "../../src/metrics/load-metrics.js";
import { sortByPlace, type TrialMetric } from "../../src/metrics/metric.js";
import {
  chooseSource,
  listTrialValues,
  readTrialCell,
  SUMMARY_METRICS,
  trialMetrics,
} from "../../src/metrics/registry.js";
import { trialMeasurementSchema } from "../../src/protocol/measurements.js";
import { measurement } from "../fixtures/records.js";

/** What the worker tells of a trial that is no metric: lists, notes, and what only the records hold. */
const NO_METRICS = [
  "truncated_tokens",
  "peak_memory_allocated_bytes_by_device",
  "device_memory_used_note",
  "energy_step_sec",
  "energy_note",
  "devices",
  "gpu_state_before",
  "gpu_state_after",
  "output_ids",
  "output_pieces",
];

const find = (key: string): TrialMetric => {
  const metric = trialMetrics.find((one) => one.key === key);
  if (metric === undefined) throw new Error(`no metric ${key}`);
  return metric;
};

test("whatever the worker measures of a trial has an entry, and none stands twice", () => {
  const keys = [...trialMetrics, ...LOAD_METRICS].map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  const known = trialMetrics.filter(({ sources }) => sources === undefined).map(({ key }) => key);
  expect([...known, ...NO_METRICS].sort()).toEqual(Object.keys(trialMeasurementSchema.shape).sort());
});

test("the memory is the GPU's where any trial measured it, else the process's, for all trials alike", () => {
  const memory = find("peak_memory_bytes");
  const onCpu = measurement({ peak_rss_bytes: 5 });
  const onGpu = measurement({ peak_rss_bytes: 5, peak_memory_allocated_bytes: 3 });
  expect(listTrialValues(memory, [onCpu, onCpu])).toEqual([5, 5]);
  expect(listTrialValues(memory, [onCpu, onGpu])).toEqual([3]);
  expect(chooseSource(memory, [onCpu, onGpu])).toBe("peak_memory_allocated_bytes");
  expect(chooseSource(memory, [measurement({ peak_rss_bytes: null })])).toBeNull();
});

test("a value of 0 was measured, a null was not", () => {
  const energies = [0, null, 2].map((energy_joules) => measurement({ energy_joules }));
  expect(listTrialValues(find("energy_joules"), energies)).toEqual([0, 2]);
});

test("a cell holds the value under the metric's key, or what its column computes", () => {
  const one = measurement({ ttft_sec: null, itl_sec: [0.1, 0.4, 0.2], finish_reason: "eos" });
  expect(readTrialCell(find("finish_reason"), one)).toBe("eos");
  expect(readTrialCell(find("ttft_sec"), one)).toBeNull();
  expect(readTrialCell(find("itl_sec"), one)).toBe(0.2);
});

test("metrics with a number in a place come by it, the others after them as in the registry", () => {
  const metrics = [
    { key: "c", place: true },
    { key: "b", place: 2 },
    { key: "out" },
    { key: "d", place: true },
    { key: "a", place: 1 },
  ] as const;
  const sorted = sortByPlace<{ key: string; place?: true | number }>(metrics, ({ place }) => place);
  expect(sorted.map(({ key }) => key)).toEqual(["a", "b", "c", "d"]);
});

test("summary.json has its statistics in the order that it always had", () => {
  expect(SUMMARY_METRICS.map(({ key }) => key).slice(0, 6)).toEqual([
    "peak_memory_bytes",
    "elapsed_sec",
    "ttft_sec",
    "prefill_tokens_per_sec",
    "decode_tokens_per_sec",
    "output_tokens",
  ]);
});
