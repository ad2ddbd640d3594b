import { expect, test } from "vitest";
import { sortByPlace, type TrialMetric } from "../../src/metrics/metric.js";
import {
  chooseSource,
  type LoadParts,
  listTrialValues,
  loadMetrics,
  readLoadMetric,
  readTextValue,
  readTrialCell,
  SUMMARY_METRICS,
  textMetrics,
  trialMetrics,
} from "../../src/metrics/registry.js";
import { loadMeasurementSchema, trialMeasurementSchema } from "../../src/protocol/measurements.js";
import { measurement } from "../fixtures/records.js";

/** What the worker reports about a trial but has no line of its own in docs/metrics.md. */
const WITHOUT_ENTRY = [
  "truncated_tokens",
  "peak_memory_allocated_bytes_by_device",
  "device_memory_used_note",
  "energy_step_sec",
  "energy_note",
  "generation_settings",
  "input_ids_sha256",
  "template_date",
  "template_loses_prompt",
];

const find = (key: string): TrialMetric => {
  const metric = trialMetrics.find((one) => one.key === key);
  if (metric === undefined) throw new Error(`no metric ${key}`);
  return metric;
};

test("whatever the worker measures of a trial has an entry, and none stands twice", () => {
  const numbers = [...trialMetrics, ...loadMetrics, ...textMetrics].filter(({ unit }) => unit !== null);
  expect(new Set(numbers.map(({ key }) => key)).size).toBe(numbers.length);
  const known = trialMetrics.filter(({ sources }) => sources === undefined).map(({ key }) => key);
  expect([...known, ...WITHOUT_ENTRY].sort()).toEqual(Object.keys(trialMeasurementSchema.shape).sort());
});

test("whatever is said of a load stands in its records under that name", () => {
  const { proof, ...load } = loadMeasurementSchema.shape;
  const keys = { load, proof: proof.shape, proof_after: proof.shape, running: proof.shape };
  const missing = loadMetrics.filter(({ key, from, field = key }) => !(field in keys[from]));
  expect(missing).toEqual([]);
});

test("the weights that count are those of the model that ran, else those of the load", () => {
  const parts = { load: { load_sec: 2 }, proof: { weights_bytes: 7 }, proof_after: { weights_bytes: 9 } };
  const readOf = (of: LoadParts, wanted: string) =>
    loadMetrics.flatMap((metric) => (metric.key === wanted ? [readLoadMetric(metric, of)] : []));
  const read = (wanted: string) => readOf(parts, wanted);
  expect(readOf({ ...parts, proof_after: null }, "weights_bytes")).toEqual([7]);
  expect(read("load_sec")).toEqual([2]);
  expect(read("weights_bytes")).toEqual([9]);
  expect(read("weights_at_load_bytes")).toEqual([7]);
  expect(read("weights_after_trials_bytes")).toEqual([9]);
  expect(read("parameters")).toEqual([null]);
});

test("a text's value comes with its interval, and is null where the text was not scored against a reference", () => {
  const [kl] = textMetrics.filter(({ key }) => key === "kl_mean_nats");
  if (kl === undefined) throw new Error("no KL");
  const text = { text_id: "a", kl_divergence: { mean: 0.2, ci95_low: 0.1, ci95_high: null } };
  expect(readTextValue(kl, text)).toEqual({ value: 0.2, low: 0.1, high: null });
  expect(readTextValue(kl, { text_id: "a", kl_divergence: null })).toBeNull();
  expect(readTextValue(kl, undefined)).toBeNull();
});

test("what is shown has a unit, and what is followed or compared a direction", () => {
  for (const { key, unit, better, shown } of [...trialMetrics, ...loadMetrics, ...textMetrics]) {
    if (shown === undefined) continue;
    expect(unit, key).not.toBeNull();
    if (shown.history !== undefined || shown.compare !== undefined) expect(better, key).not.toBeNull();
  }
});

test("energy comes from undisturbed trials, because other work on the machine uses some, too", () => {
  const energies = trialMetrics.filter(({ unit }) => unit?.startsWith("joules") ?? false);
  expect(energies.map(({ key, isTimed }) => [key, isTimed])).toEqual([
    ["energy_joules", true],
    ["energy_per_token_joules", true],
  ]);
});

test("what is listed, followed or in a table of results is in summary.json, where these read it", () => {
  const missing = [...trialMetrics, ...loadMetrics].filter(
    ({ shown, summary }) =>
      summary === undefined && (shown?.list ?? shown?.history ?? shown?.result) !== undefined,
  );
  expect(missing.map(({ key }) => key)).toEqual([]);
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
