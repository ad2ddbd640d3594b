import { expect, test } from "vitest";
import { writeSummary } from "../../../src/render/words/summary.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { BATCHES, DISTURBANCE, type FakeRunOptions, fakeRun, THREE } from "../../fixtures/records.js";

const makeSummary = (options: FakeRunOptions = {}) =>
  writeSummary(groupRecords(fakeRun(options).records, "test"));

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
    return writeSummary(groupRecords(inLoads, "test")).configurations[2]?.against_reference;
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
  const [, again] = writeSummary(groupRecords(run.records, "test")).configurations;
  expect(again?.against_reference?.memory).toMatchObject({ verdict: "same", loads: 1, ci99_low: null });
  expect(again?.against_reference?.sentence).toContain("the same peak RSS");
});

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
