import { expect, test } from "vitest";
import { summarize } from "../../src/analysis/summary.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { DISTURBANCE, type FakeRunOptions, fakeRun, THREE } from "../fixtures/records.js";

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

const disturbed = (trials: readonly number[], repeats = 2) =>
  makeSummary({
    repeats,
    configurations: THREE.map((one) => (one.id === "fp4" ? { ...one, disturbedTrials: trials } : one)),
  }).configurations[2];

test("trials that other work disturbed are left out of times, and of nothing else", () => {
  const fp4 = disturbed([0, 1]);
  expect(fp4).toMatchObject({ trials_completed: 10, trials_disturbed: 2 });
  expect([fp4?.elapsed_sec?.n, fp4?.decode_tokens_per_sec?.n, fp4?.peak_memory_bytes?.n]).toEqual([8, 8, 10]);
  expect(fp4?.remarks).toContain(`2 of 10 trials were disturbed and left out of times: ${DISTURBANCE}`);
  expect(fp4?.against_reference).toMatchObject({
    pairs: 10,
    pairs_disturbed: 2,
    time: { pairs: 8, verdict: "more" },
  });
  expect(fp4?.against_reference?.sentence).toContain("slower [");
});

test("where the undisturbed trials are all of one load, although there were two, nothing is said of time either", () => {
  const fp4 = (of: FakeRunOptions["configurations"], loads: number) => {
    const { records } = fakeRun({ repeats: 2, ...(of === undefined ? {} : { configurations: of }) });
    const inLoads = records.map((record) =>
      record.kind === "trial" ? { ...record, round: record.repeat % loads } : record,
    );
    return summarize(groupRecords(inLoads, "test")).configurations[2]?.against_reference;
  };
  const inSecond = [1, 3, 5, 7, 9];
  const configurations = THREE.map((one) => (one.id === "fp4" ? { ...one, disturbedTrials: inSecond } : one));
  expect(fp4(configurations, 2)?.time).toMatchObject({
    pairs: 5,
    loads: 1,
    verdict: "disturbed",
    ci99_low: null,
  });
  expect(fp4(configurations, 2)?.sentence).toContain(
    `time not judged: 5 of 10 pairs of trials disturbed (${DISTURBANCE}), the others from one load only; stop`,
  );
  expect(fp4(configurations, 1)?.time).toMatchObject({ pairs: 5, loads: 1, verdict: "more" });
  expect(fp4(undefined, 2)?.time).toMatchObject({ pairs: 10, loads: 2, verdict: "more" });
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

test("where too few undisturbed trials are left nothing is said of time, but what disturbed it and what to do", () => {
  const fp4 = disturbed([0, 1, 2, 3, 4, 5, 6]);
  expect(fp4?.against_reference?.time).toMatchObject({
    verdict: "disturbed",
    ci99_low: null,
    ci99_high: null,
  });
  expect(fp4?.against_reference?.sentence).toContain(
    `time not judged: 7 of 10 pairs of trials disturbed (${DISTURBANCE}); stop the other work and measure again`,
  );
  expect(fp4?.against_reference?.sentence).not.toMatch(/faster|slower/);
  expect(fp4?.why).toBeNull();
  expect(disturbed([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])?.elapsed_sec?.n).toBe(10);
});

test("answers of different lengths are judged by the time of a token, and the lengths are told", () => {
  const fp4 = makeSummary({
    configurations: THREE.map((one) =>
      one.id === "fp4" ? { ...one, tokensPerSec: 25, answerTokens: 64 } : one,
    ),
  }).configurations[2]?.against_reference;
  expect(fp4).toMatchObject({
    judged_by: "time_per_token",
    time_per_token: { verdict: "less" },
    time: { verdict: "more" },
  });
  expect(fp4?.sentence).toMatch(
    /1\.\d\d× faster per token \[.*; answers of different lengths \(64 tokens against 32, medians\): 1\.\d\d× the time for whole answers/,
  );
});

test("of one load each, memory that differs by next to nothing is the same", () => {
  const run = fakeRun({
    configurations: [THREE[0], { ...THREE[0], id: "again", reference: false }] as never,
  });
  const [, again] = summarize(groupRecords(run.records, "test")).configurations;
  expect(again?.against_reference?.memory).toMatchObject({ verdict: "same", loads: 1, ci99_low: null });
  expect(again?.against_reference?.sentence).toContain("the same peak RSS");
});

const BATCHES = [1, 4].flatMap((batchSize) =>
  [19.2, 12].map((tokensPerSec, index) => ({
    id: `${index === 0 ? "none" : "nf4"}-${batchSize}`,
    reference: batchSize === 1 && index === 0,
    tokensPerSec: tokensPerSec / (batchSize === 1 ? 1 : 1.5),
    batchSize,
  })),
);

test("a larger batch is told by what a row waits and by what all rows make, never by the time of a trial", () => {
  const { configurations } = makeSummary({ configurations: BATCHES });
  expect(configurations.map(({ batch_size }) => batch_size)).toEqual([1, 1, 4, 4]);
  const larger = configurations[2]?.against_reference;
  expect(larger?.judged_by).toBe("time_per_token");
  expect(larger?.sentence).toMatch(
    /1\.5\d× slower per token \[.*; 4 answers at once against 1: 2\.6\d× the tokens per second over all rows \[/,
  );
  expect(larger?.sentence).not.toContain("different lengths");
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
