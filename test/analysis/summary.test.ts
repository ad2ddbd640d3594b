import { expect, test } from "vitest";
import { summarize } from "../../src/analysis/summary.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { BATCHES, type FakeRunOptions, fakeRun, THREE } from "../fixtures/records.js";

const makeSummary = (options: FakeRunOptions = {}) =>
  summarize(groupRecords(fakeRun(options).records, "test"));

test("a whole run is summed up with every configuration beside the reference", () => {
  const summary = makeSummary();
  expect(summary).toMatchObject({ status: "completed", trials_planned: 15, trials_completed: 15 });
  const [none, int8] = summary.configurations;
  expect(none).toMatchObject({
    is_reference: true,
    against_reference: null,
    memory_metric: "peak_rss_bytes",
  });
  expect(int8?.against_reference?.pairs).toBe(5);
  expect(int8?.against_reference?.weights_ratio).toBeCloseTo(163_000_000 / 269_060_552, 9);
});

test("a configuration that failed has no figures, only its failure", () => {
  const summary = makeSummary({
    configurations: THREE.map((one, i) => (i === 2 ? { ...one, failsAtLoad: {} } : one)),
  });
  expect(summary.status).toBe("partly_failed");
  expect(summary.configurations[2]).toMatchObject({
    status: "failed",
    trials_completed: 0,
    elapsed_sec: null,
    decode_tokens_per_sec: null,
    failure: { code: "quantization-not-applied" },
  });
});

test("a run whose controller was killed is interrupted, and keeps what was measured", () => {
  const summary = makeSummary({
    configurations: THREE.map((one, i) => (i === 1 ? { ...one, cutAfter: 3 } : one)),
  });
  expect(summary.status).toBe("interrupted");
  expect(summary.configurations[1]).toMatchObject({ status: "interrupted", trials_completed: 3 });
  expect(summary.configurations[2]).toMatchObject({ status: "not_run", trials_completed: 0 });
});

test("nothing in a summary is NaN or undefined", () => {
  const text = JSON.stringify(makeSummary({ prompts: ["one"] }), (_, value) => {
    if (value === undefined || Number.isNaN(value)) throw new Error("a value that JSON cannot hold");
    return value;
  });
  expect(JSON.parse(text).schema_version).toBe(1);
});

test("what the libraries said counts from all loads, each text once", () => {
  const notice = (text: string, count: number) => ({ source: "torch", text, count });
  const [first, second] = [[notice("is slow", 2), notice("once", 1)], [notice("is slow", 3)]];
  const records = fakeRun().records.flatMap((record) =>
    record.kind === "configuration" && record.configuration_id === "fp4"
      ? [
          { ...record, notices: first },
          { ...record, round: 1, notices: second },
        ]
      : [record],
  ) as RunFileRecord[];
  expect(summarize(groupRecords(records, "test")).configurations[2]?.notices).toEqual([
    notice("is slow", 5),
    notice("once", 1),
  ]);
});

test("the estimate beside a batch is of as many rows", () => {
  const { configurations } = makeSummary({ configurations: BATCHES });
  const of = (index: number) => configurations[index]?.estimate?.peak_memory_bytes ?? 0;
  // More than the cache alone of three more rows, at 23,040 bytes per token.
  expect(of(2) - of(0)).toBeGreaterThan(3 * 70 * 23_040);
});

test("a percentile is told where there are samples enough to leave one beyond it, and else is null", () => {
  const [few] = makeSummary().configurations;
  // Five trials with 31 decode steps each.
  expect(few?.ttft_percentiles_sec).toMatchObject({ n: 5, p90: null, p99: null });
  expect(few?.ttft_percentiles_sec?.p50).toBe(few?.ttft_sec?.median);
  expect(few?.itl_percentiles_sec?.n).toBe(155);
  expect(few?.itl_percentiles_sec?.p99).toBeGreaterThan(few?.itl_percentiles_sec?.p50 ?? 0);
  const [many] = makeSummary({ repeats: 2 }).configurations;
  expect(many?.ttft_percentiles_sec).toMatchObject({ n: 10, p99: null });
  expect(many?.ttft_percentiles_sec?.p90).toBeGreaterThan(many?.ttft_percentiles_sec?.p50 ?? 0);
});

test("with a price an hour a million tokens have a cost with its interval, and without one none is told", () => {
  const { records } = fakeRun();
  const priced = records.map((one) =>
    one.kind === "run" ? { ...one, plan: { ...one.plan, price_per_hour: 3.6 } } : one,
  );
  const [none] = summarize(groupRecords(priced, "test")).configurations;
  const trials = records.flatMap((one) =>
    one.kind === "trial" && one.status === "completed" && one.configuration_id === none?.id
      ? [one.measurement.elapsed_sec / one.measurement.output_tokens]
      : [],
  );
  const mean = trials.reduce((sum, sec) => sum + sec, 0) / trials.length;
  // 3.60 per hour is 0.001 per second, so a million tokens cost a thousand times the seconds per token.
  expect(none?.cost_per_million_tokens).toMatchObject({ n: 5 });
  expect(none?.cost_per_million_tokens?.mean).toBeCloseTo(mean * 1000, 6);
  expect(none?.cost_per_million_tokens?.ci95_low).toBeLessThan(mean * 1000);
  expect(makeSummary().configurations[0]?.cost_per_million_tokens).toBeNull();
});
