import { expect, test } from "vitest";
import { bandwidthUtilization, profileSummary } from "../../src/analysis/bandwidth.js";
import { firstDifference } from "../../src/analysis/divergence.js";
import { computeDrift } from "../../src/analysis/drift.js";
import { groupRecords } from "../../src/run/run-data.js";
import { scoredRun } from "../fixtures/quality.js";
import { environment } from "../fixtures/records.js";

const data = groupRecords(scoredRun(), "test");
const [reference, int8] = data.configurations as [
  (typeof data.configurations)[0],
  (typeof data.configurations)[0],
];

test("bandwidth utilization is bytes read a token ÷ time a token ÷ what the machine reads in that time", () => {
  // 269,060,552 bytes at about 19.2 tokens per second, on a machine that reads 12e9 bytes per second: about 43 %.
  const utilization = bandwidthUtilization(reference, data.environment);
  const expected = reference.trials.map((trial) =>
    trial.status === "completed" ? 269_060_552 / (trial.measurement.tpot_sec ?? Number.NaN) / 12e9 : 0,
  );
  expect(utilization?.mean).toBeCloseTo(expected.reduce((sum, one) => sum + one, 0) / expected.length, 12);
  expect(utilization?.mean).toBeGreaterThan(0.35);
});

test("without a known bandwidth there is no utilization", () => {
  expect(bandwidthUtilization(reference, { ...environment("cpu"), memory_bandwidth: [] })).toBeNull();
  expect(bandwidthUtilization(reference, null)).toBeNull();
});

test("where a pass gives several tokens, time a token says nothing of the bandwidth", () => {
  const trials = reference.trials.map((trial) =>
    trial.status === "completed"
      ? { ...trial, measurement: { ...trial.measurement, drafted_tokens: 20, accepted_draft_share: 0.5 } }
      : trial,
  );
  expect(bandwidthUtilization({ ...reference, trials }, data.environment)).toBeNull();
});

test("with beams, the time a token of the best answer is not that of a pass", () => {
  const { plan } = reference;
  const beams = { ...plan, generation: { ...plan.generation, num_beams: 4 } };
  expect(bandwidthUtilization({ ...reference, plan: beams }, data.environment)).toBeNull();
});

test("a profile gives the share of time outside linear layers and head", () => {
  expect(profileSummary(int8)?.outside_linear_share).toBeCloseTo(0.3, 12);
  expect(profileSummary(int8)?.linear_sec_per_token).toBeCloseTo(0.06, 12);
});

test("the sentinel's times tell drift, paired by prompt", () => {
  const drift = computeDrift(data.driftProbes);
  expect(drift?.points.map(({ time }) => time.ratio.toFixed(3))).toEqual(["1.100", "1.200"]);
  expect(computeDrift([])).toBeNull();
});

test("answers part at the first token that differs, and one that ends earlier differs where it ended", () => {
  expect(firstDifference([1, 2, 3], [1, 2, 3])).toBeNull();
  expect(firstDifference([1, 9, 3], [1, 2, 3])).toBe(2);
  expect(firstDifference([1, 2], [1, 2, 3])).toBe(3);
});
