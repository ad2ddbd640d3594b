import { expect, test } from "vitest";
import { summarize } from "../../src/analysis/summary.js";
import { groupRecords } from "../../src/run/run-data.js";
import { type FakeRunOptions, fakeRun, THREE } from "../fixtures/records.js";

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
