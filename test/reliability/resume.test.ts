import { expect, test } from "vitest";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { planExperiment } from "../fixtures/experiments.js";
import { runPlan } from "../fixtures/run-plan.js";

const plan = (...lines: readonly string[]) =>
  planExperiment(
    [
      "name: x",
      "model: smollm2-135m-instruct",
      "prompts: [a, b]",
      "warmup: 1",
      "matrix: { quantization: [none, fp4] }",
      ...lines,
      "",
    ].join("\n"),
  );
const SCORED = "quality: { texts: [code], context: 8 }";

const completed = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) =>
    record.kind === "trial" && record.status === "completed" ? [record.trial_id] : [],
  );
const kindsAfter = (records: readonly RunFileRecord[], kind: "resume") =>
  records
    .slice(records.findLastIndex((record) => record.kind === kind))
    .map((record) => ("status" in record ? `${record.kind}:${record.status}` : record.kind));

test("killed after any of its records, a run is resumed and measures every trial exactly once", async () => {
  const planned = await plan(SCORED, "sentinel: true");
  const whole = (await runPlan(planned, "good")).records;
  expect(whole.length).toBeGreaterThan(20);
  for (let cut = 0; cut < whole.length; cut++) {
    const { status, records } = await runPlan(planned, "good", undefined, { before: whole.slice(0, cut) });
    expect(status, `cut after ${cut}`).toBe("completed");
    expect(completed(records).toSorted(), `cut after ${cut}`).toEqual(
      planned.trials.map(({ id }) => id).toSorted(),
    );
    expect(records.filter(({ kind }) => kind === "run")).toHaveLength(1);
    expect(records.filter(({ kind }) => kind === "sentinel")).toHaveLength(6);
    const data = groupRecords(records, "x");
    expect(data.configurations.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(data.configurations.every(({ quality }) => quality.length === 1)).toBe(true);
    expect(data.end?.status).toBe("completed");
  }
});

test("a run whose model has other weights now is not resumed with them, unless that is accepted", async () => {
  const planned = await plan();
  const { records: whole } = await runPlan(planned, "good");
  const before = whole.slice(0, whole.findIndex(({ kind }) => kind === "trial") + 1);
  const refused = await runPlan(planned, "other-weights", undefined, { before });
  const failures = refused.records.flatMap((record) =>
    record.kind === "configuration" && record.status === "failed" ? [record.failure] : [],
  );
  expect(failures.map(({ code }) => code)).toEqual(["model-changed", "model-changed"]);
  expect(failures[0]?.message).toContain("weights aaaaaaaaaaaa → cccccccccccc");
  expect(completed(refused.records)).toEqual(completed(before));
  const accepted = await runPlan(planned, "other-weights", undefined, { before, acceptChanges: true });
  expect(accepted.status).toBe("completed");
});

test("a configuration half done is loaded again as its second attempt, and only what is missing is measured", async () => {
  const planned = await plan();
  const { records: whole } = await runPlan(planned, "good");
  const afterTrial = whole.findIndex(({ kind }) => kind === "trial") + 1;
  const { records } = await runPlan(planned, "good", undefined, { before: whole.slice(0, afterTrial) });
  expect(kindsAfter(records, "resume").slice(0, 6)).toEqual([
    "resume",
    "environment",
    "load",
    "warmup",
    "trial:completed",
    "configuration:completed",
  ]);
  expect(records.find(({ kind }) => kind === "resume")).toMatchObject({
    retry_failed: false,
    blocks_left: 2,
    trials_left: 3,
    environment_changes: [],
  });
  const [none, fp4] = groupRecords(records, "x").configurations;
  expect([none?.attempts, fp4?.attempts]).toEqual([2, 1]);
  expect(none?.outcome).toMatchObject({ attempt: 2, trials_completed: 2, trials_planned: 2 });
});

test("stopped by Ctrl-C and resumed, a run has both parts' time and one end that counts", async () => {
  const planned = await plan();
  const stopped = await runPlan(planned, "good", (event, stop) => {
    if (event.type === "trial-started") stop.request("after-this-trial", "stopped by Ctrl-C");
  });
  expect(groupRecords(stopped.records, "x").end?.status).toBe("interrupted");
  const { records, status } = await runPlan(planned, "good", undefined, { before: stopped.records });
  expect(status).toBe("completed");
  const data = groupRecords(records, "x");
  const parts = records.flatMap((record) => (record.kind === "run_end" ? [record.elapsed_sec] : []));
  expect(parts).toHaveLength(2);
  expect(data.elapsedSec).toBeCloseTo((parts[0] ?? 0) + (parts[1] ?? 0), 9);
  expect(data.configurations.map(({ status }) => status)).toEqual(["completed", "completed"]);
});

test("all measured but the end of a configuration: nothing is loaded, and the run is ended", async () => {
  const planned = await plan();
  const { records: whole } = await runPlan(planned, "good");
  const atEnd = whole.findLastIndex(({ kind }) => kind === "configuration");
  const { records, events, status } = await runPlan(planned, "good", undefined, {
    before: whole.slice(0, atEnd),
  });
  expect(status).toBe("completed");
  expect(kindsAfter(records, "resume")).toEqual(["resume", "configuration:completed", "run_end:completed"]);
  expect(events.some(({ type }) => type === "worker-starting")).toBe(false);
});

test("the reference scores its text again where what it had kept for the others is gone, and says so", async () => {
  const planned = await plan(SCORED);
  const { records: whole } = await runPlan(planned, "good");
  const atSecond = whole.findLastIndex(({ kind }) => kind === "quality");
  const { records, events } = await runPlan(planned, "good", undefined, { before: whole.slice(0, atSecond) });
  expect(events.find(({ type }) => type === "rescoring")).toMatchObject({ textIds: ["code"] });
  const scored = records.flatMap((record) =>
    record.kind === "quality" && record.status === "completed" ? [record] : [],
  );
  expect(scored.map(({ configuration, attempt }) => [configuration, attempt])).toEqual([
    ["none", 1],
    ["none", 2],
    ["fp4", 2],
  ]);
  expect(scored.at(-1)?.measurement.against_reference).not.toBeNull();
  // Neither configuration had a trial left, so nothing was generated.
  expect(
    kindsAfter(records, "resume").filter((kind) => kind.startsWith("trial") || kind === "warmup"),
  ).toEqual([]);
});

test("with other libraries nothing is mixed: the run is refused by what changed, and nothing is written", async () => {
  const planned = await plan();
  const before = (await runPlan(planned, "good")).records.slice(0, 6);
  const written: RunFileRecord[] = [];
  const sink = { append: async (record: RunFileRecord) => void written.push(record) };
  await expect(runPlan(planned, "other-torch", undefined, { before, sink })).rejects.toMatchObject({
    code: "resume-environment-changed",
    message: expect.stringContaining("torch 0 → 1"),
    exitCode: 7,
  });
  expect(written).toEqual([]);
  const accepted = await runPlan(planned, "other-torch", undefined, { before, acceptChanges: true });
  expect(accepted.records.find(({ kind }) => kind === "resume")).toMatchObject({
    environment_changes: ["torch 0 → 1"],
  });
  expect(groupRecords(accepted.records, "x").environmentChanges).toEqual(["torch 0 → 1"]);
});

test("on a CPU of the same name with an instruction set less the run is refused, and accepted it is recorded", async () => {
  const planned = await plan();
  const before = (await runPlan(planned, "good")).records.slice(0, 6);
  const changes = [
    "CPU instruction sets: avx512_bf16 missing",
    "4-bit on the CPU fused AVX512-BF16 kernel → unpacked for each product",
  ];
  await expect(runPlan(planned, "without-bf16", undefined, { before })).rejects.toMatchObject({
    code: "resume-environment-changed",
    message: expect.stringContaining(changes.join("; ")),
  });
  const { records } = await runPlan(planned, "without-bf16", undefined, { before, acceptChanges: true });
  expect(records.find(({ kind }) => kind === "resume")).toMatchObject({ environment_changes: changes });
  expect(groupRecords(records, "x").environmentChanges).toEqual(changes);
});

test("what an older version did not record of the machine refuses nothing, and is said", async () => {
  const planned = await plan();
  const before = (await runPlan(planned, "good")).records
    .slice(0, 6)
    .map((record) =>
      record.kind === "environment"
        ? { ...record, environment: { ...record.environment, machine: null } }
        : record,
    );
  const { status, records } = await runPlan(planned, "good", undefined, { before });
  expect(status).toBe("completed");
  expect(records.find(({ kind }) => kind === "resume")).toMatchObject({
    environment_changes: [
      expect.stringMatching(/^CPU instruction sets, usable cores, .*: not recorded before$/),
    ],
  });
});

test("a worker killed once is tried again: both attempts are recorded, and no trial is measured twice", async () => {
  const { status, records, kinds, events } = await runPlan(await plan(), "die-once");
  expect(status).toBe("completed");
  const whole = ["load", "warmup", "trial:completed", "trial:completed", "configuration:completed"];
  expect(kinds).toEqual([
    "run",
    "environment",
    ...["load", "warmup", "trial:failed", "configuration:failed"],
    "environment",
    ...whole,
    ...whole,
    "run_end:completed",
  ]);
  expect(completed(records)).toHaveLength(4);
  expect(events.find(({ type }) => type === "configuration-retried")).toMatchObject({
    attempt: 2,
    failure: { code: "worker-died" },
  });
  const [none] = groupRecords(records, "x").configurations;
  expect(none).toMatchObject({ status: "completed", attempts: 2, earlierFailures: ["worker-died"] });
});

test("what fails again and again is tried as often as retries says, and no more", async () => {
  const attempts = async (retries: number) => {
    const { records } = await runPlan(await plan(`retries: ${retries}`), "die-in-load");
    return records.filter((record) => record.kind === "configuration" && record.configuration === "none")
      .length;
  };
  expect(await attempts(0)).toBe(1);
  expect(await attempts(2)).toBe(3);
});

test("a failure that can only come again is not tried again", async () => {
  const { kinds } = await runPlan(await plan("retries: 5"), "fail-load");
  expect(kinds.filter((kind) => kind === "configuration:failed")).toHaveLength(2);
});

test("what failed stays failed, unless it is asked for", async () => {
  const planned = await plan();
  const { records: failed } = await runPlan(planned, "fail-load");
  const kept = await runPlan(planned, "good", undefined, { before: failed });
  expect(kept.status).toBe("all_failed");
  expect(completed(kept.records)).toEqual([]);
  const { status, records } = await runPlan(planned, "good", undefined, {
    before: failed,
    retryFailed: true,
  });
  expect(status).toBe("completed");
  expect(completed(records)).toHaveLength(4);
  const data = groupRecords(records, "x");
  expect(data.configurations.map(({ status, attempts }) => [status, attempts])).toEqual([
    ["completed", 2],
    ["completed", 2],
  ]);
});
