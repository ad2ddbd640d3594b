import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PlanProgress, UNFINISHED } from "../../src/run/plan-progress.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { findProofAfter, groupRecords } from "../../src/run/run-data.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { runPlan } from "../fixtures/run-plan.js";

const plan = (...lines: readonly string[]) =>
  planExperiment(
    [
      "name: x",
      "model: smollm2-135m-instruct",
      "prompts: [a, b]",
      "warmup: 0",
      "matrix: { quantization: [none, int8, fp4] }",
      ...lines,
      "",
    ].join("\n"),
  );
const SCORED = "quality: { texts: [code, german], context: 8 }";

test("each round loads every configuration anew, in the plan's order, and measures its own repeats", async () => {
  const planned = await plan("rounds: { count: 2, seed: 3 }");
  const { status, records } = await runPlan(planned, "good");
  expect(status).toBe("completed");
  const loads = records.flatMap((record) => (record.kind === "load" ? [record.configuration_id] : []));
  expect(loads).toEqual(planned.blocks.map(({ configuration_id }) => configuration_id));
  const trials = records.filter((record) => record.kind === "trial");
  expect(trials).toHaveLength(12);
  expect(new Set(trials.map(({ trial_id }) => trial_id)).size).toBe(12);
  expect(trials.slice(0, 6).every(({ round, repeat }) => round === 0 && repeat === 0)).toBe(true);
  // Its elapsed time is the sum over both rounds.
  const [first] = groupRecords(records, "x").configurations;
  const took = records.flatMap((record) =>
    record.kind === "configuration" && record.configuration_id === first?.plan.worker.id
      ? [record.elapsed_sec]
      : [],
  );
  expect(took).toHaveLength(2);
  expect(first?.elapsedSec).toBeCloseTo(
    took.reduce((sum, one) => sum + one, 0),
    9,
  );
});

const sharing = (...lines: readonly string[]) =>
  planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", ...lines).replace("[hello]", "[a, b, c, d, e]"),
  );
const roundsOf = (records: readonly RunFileRecord[], kind: "load" | "trial") =>
  records.flatMap((record) =>
    record.kind === kind && "round" in record ? `${record.configuration} ${record.round}` : [],
  );

test("two loads share the trials: every trial once, in the order there and back", async () => {
  const planned = await sharing();
  const { status, records } = await runPlan(planned, "good");
  expect(status).toBe("completed");
  expect(roundsOf(records, "load")).toEqual(["none 0", "fp4 0", "fp4 1", "none 1"]);
  expect(roundsOf(records, "trial")).toEqual(
    ["none 0", "fp4 0"]
      .flatMap((one) => Array(3).fill(one))
      .concat(["fp4 1", "none 1"].flatMap((one) => Array(2).fill(one))),
  );
});

test("where a load takes longer than all the trials there is no second one, and every trial is measured all the same", async () => {
  const planned = await sharing();
  const { status, records, kinds } = await runPlan(planned, "quick");
  expect(status).toBe("completed");
  expect(roundsOf(records, "load")).toEqual(["none 0", "fp4 0"]);
  expect(roundsOf(records, "trial")).toEqual(["none 0", "fp4 0"].flatMap((one) => Array(5).fill(one)));
  expect(kinds.filter((kind) => kind === "configuration:completed")).toHaveLength(4);
  const progress = new PlanProgress(planned, records);
  expect(progress.listRemainingWork(UNFINISHED)).toEqual([]);
  const { configurations } = groupRecords(records, "test");
  expect(configurations.map(({ status: ended, trials }) => `${ended} ${trials.length}`)).toEqual([
    "completed 5",
    "completed 5",
  ]);
  expect(configurations.every((one) => findProofAfter(one) !== null)).toBe(true);
});

test("compiling is part of what a load costs, and no trial takes so long", async () => {
  const { records } = await runPlan(await sharing(), "compiling");
  expect(roundsOf(records, "load")).toEqual(["none 0", "fp4 0"]);
  expect(roundsOf(records, "trial")).toHaveLength(10);
});

test("such a run that was killed in between is resumed: each trial is measured once", async () => {
  const planned = await sharing();
  const whole = (await runPlan(planned, "quick")).records;
  const fourth = whole.findIndex((record) => record.kind === "trial" && record.trial_id === "none/p4/r1");
  const { records } = await runPlan(planned, "quick", () => {}, { before: whole.slice(0, fourth) });
  const ids = records.flatMap((record) => (record.kind === "trial" ? record.trial_id : []));
  expect(ids.toSorted()).toEqual(planned.trials.map(({ id }) => id).toSorted());
});

test("what failed in the one load is left to the second, which is made for it", async () => {
  const planned = await sharing("retries: 1");
  const { records } = await runPlan(planned, "quick-then-die");
  const completed = records.flatMap((record) =>
    record.kind === "trial" && record.status === "completed" ? record.trial_id : [],
  );
  expect(completed.toSorted()).toEqual(planned.trials.map(({ id }) => id).toSorted());
});

test("the sentinel is measured three times and recorded as no trial", async () => {
  const { records, kinds } = await runPlan(await plan("sentinel: int8"), "good");
  const sentinels = records.filter((record) => record.kind === "sentinel");
  expect(sentinels.map(({ position, prompt_id }) => `${position}${prompt_id}`)).toEqual([
    "0p1",
    "0p2",
    "1p1",
    "1p2",
    "2p1",
    "2p2",
  ]);
  expect(sentinels.every(({ configuration }) => configuration === "int8")).toBe(true);
  expect(kinds.filter((kind) => kind === "trial:completed")).toHaveLength(6);
});

test("repeats: auto stops when the rate is known, and records why", async () => {
  const { status, records } = await runPlan(await plan("repeats: { fewest: 2, most: 9 }"), "good");
  expect(status).toBe("completed");
  // The scripted worker's rate never varies, so two repeats of two prompts suffice in each of two loads.
  expect(records.filter((record) => record.kind === "trial")).toHaveLength(24);
  const ends = records.flatMap((record) =>
    record.kind === "configuration" && record.status === "completed" ? [record.repeats_end] : [],
  );
  expect(ends).toEqual(Array(6).fill("precise-enough"));
});

test("every text is scored after the trials, the reference's first, and nothing is left on the disk", async () => {
  const { status, records, logprobsFolder } = await runPlan(await plan(SCORED, "profile: true"), "good");
  expect(status).toBe("completed");
  const kinds = records.flatMap((record) =>
    "configuration" in record && record.configuration === "int8" ? [record.kind] : [],
  );
  expect(kinds).toEqual(["load", "trial", "trial", "profile", "quality", "quality", "configuration"]);
  const scored = records.flatMap((record) =>
    record.kind === "quality" && record.status === "completed" ? [record.measurement] : [],
  );
  expect(scored.map(({ stored }) => stored !== null)).toEqual([true, true, false, false, false, false]);
  expect(scored.slice(2).every(({ against_reference }) => against_reference !== null)).toBe(true);
  expect(existsSync(logprobsFolder)).toBe(false);
});

test("keep_logprobs keeps the reference's log-probabilities", async () => {
  const kept = await plan("quality: { texts: [code], context: 8, keep_logprobs: true }");
  expect(existsSync((await runPlan(kept, "good")).logprobsFolder)).toBe(true);
});

test("a text that cannot be scored is recorded, the trials stand, and the run is not called complete", async () => {
  const { status, kinds } = await runPlan(await plan(SCORED), "text-too-short");
  expect(status).toBe("partly_failed");
  expect(kinds.filter((kind) => kind === "quality:failed")).toHaveLength(6);
  expect(kinds.filter((kind) => kind === "configuration:completed")).toHaveLength(3);
});

test("a worker that dies while scoring takes no trial with it, and what it did not score is tried once more", async () => {
  const { status, kinds } = await runPlan(await plan(SCORED), "die-in-quality");
  expect(status).toBe("partly_failed");
  expect(kinds.filter((kind) => kind === "trial:completed")).toHaveLength(6);
  expect(kinds.filter((kind) => kind === "configuration:completed")).toHaveLength(6);
});

const OOM = ["fp4", "int8", "none"].map(
  (quantization) => `  - { quantization: ${quantization}, device: cuda }`,
);
const listed = (...lines: readonly string[]) =>
  planExperiment(
    ["name: x", "model: smollm2-135m-instruct", "prompts: [a]", "include:", ...OOM, ...lines, ""].join("\n"),
  );

test("after a configuration ran out of memory, those that need more are skipped and say why", async () => {
  const { status, records, kinds } = await runPlan(await listed(), "oom-unless-fp4");
  expect(status).toBe("partly_failed");
  expect(kinds.filter((kind) => kind.startsWith("configuration:"))).toEqual([
    "configuration:completed",
    "configuration:failed",
    "configuration:skipped",
  ]);
  expect(records.find((record) => "status" in record && record.status === "skipped")).toMatchObject({
    configuration: "none",
    reason: "implied by int8: out-of-memory-device",
  });
});

test("skip_implied: false tries them all the same", async () => {
  const { kinds } = await runPlan(await listed("skip_implied: false"), "oom-unless-fp4");
  expect(kinds.filter((kind) => kind === "configuration:failed")).toHaveLength(2);
});

test("a configuration that failed in one round is not tried in the next", async () => {
  const { kinds, records } = await runPlan(await listed("rounds: 2", "skip_implied: false"), "fail-load");
  expect(kinds.filter((kind) => kind === "configuration:failed")).toHaveLength(3);
  const reasons = records.flatMap((record) =>
    record.kind === "configuration" && record.status === "skipped" ? [record.reason] : [],
  );
  expect(reasons).toEqual(Array.from({ length: 3 }, () => "failed in round 1: model-not-found"));
});

test("each model's reference keeps log-probabilities of its own, and no other model reads them", async () => {
  const model = (hidden: number) =>
    `{config: {model_type: llama, vocab_size: 384, hidden_size: ${hidden}}, weights: random}`;
  const two = await planExperiment(
    minimal(
      `matrix: {model: [${model(64)}, ${model(128)}], quantization: [none, fp4]}`,
      "quality: { texts: [code], context: 8, keep_logprobs: true }",
    ),
  );
  const references = two.configurations.flatMap(({ worker, is_reference }) =>
    is_reference ? worker.id : [],
  );
  expect(references).toHaveLength(2);
  const { status, logprobsFolder } = await runPlan(two, "good");
  expect(status).toBe("completed");
  expect(existsSync(join(logprobsFolder, "code"))).toBe(true);
  expect(existsSync(join(logprobsFolder, references[1] ?? "", "code"))).toBe(true);
});
