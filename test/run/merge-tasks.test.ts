import { expect, test } from "vitest";
import type { Plan } from "../../src/plan/plan-types.js";
import { joinParts, splitPlan } from "../../src/plan/slices.js";
import { chooseRecords, mergeTasks } from "../../src/run/merge-tasks.js";
import { type RunFileRecord, recordSchema } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { listRows } from "../../src/run/table/rows.js";
import { findParts, TaskOutline } from "../../src/run/task-outline.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { failure } from "../fixtures/records.js";
import { runPlan } from "../fixtures/run-plan.js";

const planned = () =>
  planExperiment(
    [
      "name: x",
      "model: smollm2-135m-instruct",
      "prompts: [a, b]",
      "warmup: 0",
      "sentinel: true",
      "matrix: { dtype: [float32, bfloat16], quantization: [none, fp4] }",
      "",
    ].join("\n"),
  );

async function measure(plan: Plan, parts: readonly number[], host: string, behaviour = "good") {
  const all = splitPlan(plan);
  const part = joinParts(
    plan,
    parts.map((index) => all[index] as Plan),
  );
  const { records } = await runPlan(part, behaviour);
  return records.map((record) => {
    if (record.kind === "load") return { ...record, hostname: host };
    return record.kind === "run"
      ? { ...record, controller: { ...record.controller, hostname: host } }
      : record;
  });
}

interface TaskRecords {
  readonly name: string;
  readonly records: readonly RunFileRecord[];
}

/** Merges as the readers do, but with the files' records in memory. */
function merge(plan: Plan, runId: string, tasks: readonly TaskRecords[]) {
  const all = splitPlan(plan);
  const partOf = findParts(all);
  const outlines = new Map(
    tasks.map(({ name, records }) => {
      const outline = new TaskOutline(name, partOf);
      for (const record of records) outline.add(record);
      return [outline, records] as const;
    }),
  );
  const merged = mergeTasks(plan, all, runId, [...outlines.keys()]);
  const counts = chooseRecords(merged);
  const body = merged.tasks.flatMap((task) =>
    (outlines.get(task) ?? []).filter((record) => counts(task, record)),
  );
  const { run, end } = merged;
  return { ...merged, records: run === null ? [] : [run, ...body, ...(end === null ? [] : [end])] };
}

/** Returns the records that a task leaves if it is killed after so many trials. */
const cutAfter = (records: readonly RunFileRecord[], trials: number): readonly RunFileRecord[] => {
  const seen = records.flatMap((record, index) => (record.kind === "trial" ? [index] : []));
  return records.slice(0, (seen[trials - 1] ?? 0) + 1);
};
const later = (records: readonly RunFileRecord[], hours: number) =>
  records.map((record) => ({
    ...record,
    at: new Date(Date.parse(record.at) + hours * 3_600_000).toISOString(),
  }));
const ids = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) => (record.kind === "trial" ? [record.trial_id] : [])).sort();

test("the records of tasks read as those of one run, every trial once", async () => {
  const plan = await planned();
  const [first, second] = [await measure(plan, [0], "n1"), await measure(plan, [1], "n2")];
  const merged = merge(plan, "20260101T000000Z-0001", [
    { name: "0of2.0", records: first },
    { name: "1of2.0", records: second },
  ]);
  expect(merged.notes).toEqual([]);
  for (const record of merged.records) recordSchema.parse(record);
  expect(ids(merged.records)).toEqual(plan.trials.map(({ id }) => id).sort());
  const data = groupRecords(merged.records, "here");
  expect(data.run.controller.hostname).toBe("n1, n2");
  expect(
    new Set([...listRows([data])].map(({ configuration, hostname }) => `${configuration} on ${hostname}`)),
  ).toEqual(
    new Set(["none float32 on n1", "fp4 float32 on n1", "none bfloat16 on n2", "fp4 bfloat16 on n2"]),
  );
  expect(data.run.run_id).toBe("20260101T000000Z-0001");
  expect(data.end?.status).toBe("completed");
  expect(data.configurations.map(({ status, trials }) => [status, trials.length])).toEqual(
    plan.configurations.map(() => ["completed", 2]),
  );
  expect(data.driftProbes).toHaveLength(6);
});

test("a part that two tasks measured counts as the first that was complete has it, and the other is told", async () => {
  const plan = await planned();
  const whole = await measure(plan, [0, 1], "n1");
  const again = later(await measure(plan, [1], "n2"), 1);
  const late = later(whole, 2);
  const chosenOf = (tasks: readonly TaskRecords[]) =>
    merge(plan, "r", tasks).parts.map(({ chosen }) => chosen?.task.name);
  // The first attempt was presumed dead, but it still ran and ended after the second.
  const zombie = [
    { name: "0of1.0", records: late },
    { name: "0of1.1", records: again },
  ];
  expect(chosenOf(zombie)).toEqual(["0of1.0", "0of1.1"]);
  const { notes, records } = merge(plan, "r", zombie);
  expect(notes).toEqual([
    "tasks/0of1.0 measured 4 trials that are ignored, because tasks/0of1.1 measured them too",
  ]);
  expect(ids(records)).toEqual(plan.trials.map(({ id }) => id).sort());
  expect(chosenOf([zombie[1] as never, { name: "0of1.0", records: whole }])).toEqual(["0of1.0", "0of1.0"]);
});

test("a configuration and its reference always count from the same task", async () => {
  const plan = await planned();
  const whole = await measure(plan, [0], "n1");
  const others = later(await measure(plan, [0], "n2"), 1);
  for (const trials of [1, 2, 3, 4]) {
    const { parts, records } = merge(plan, "r", [
      { name: "0of2.0", records: cutAfter(whole, trials) },
      { name: "0of2.1", records: cutAfter(others, 4 - trials) },
    ]);
    const [{ chosen } = { chosen: null }] = parts;
    expect(chosen?.task.name).toBe(trials >= 2 ? "0of2.0" : "0of2.1");
    const measured = trials >= 2 ? cutAfter(whole, trials) : cutAfter(others, 4 - trials);
    expect(records.filter(({ kind }) => kind === "trial")).toEqual(
      measured.filter(({ kind }) => kind === "trial"),
    );
  }
});

test("a run whose tasks have not all begun, or were cut off, has no end; one that was called off is interrupted", async () => {
  const plan = await planned();
  const [first, second] = [await measure(plan, [0], "n1"), await measure(plan, [1], "n1")];
  const statusOf = (...tasks: readonly (readonly RunFileRecord[])[]) => {
    const { records } = merge(
      plan,
      "r",
      tasks.map((one, index) => ({ name: `${index}of2.0`, records: one })),
    );
    const last = records.at(-1);
    return last?.kind === "run_end" ? last.status : null;
  };
  expect(statusOf(first)).toBeNull();
  expect(statusOf(first, cutAfter(second, 2))).toBeNull();
  const [run] = second;
  const end = { ...(second.at(-1) as RunFileRecord), status: "interrupted" } as RunFileRecord;
  expect(statusOf(first, [...cutAfter(second, 2), end])).toBe("interrupted");
  expect(statusOf(first, [run as RunFileRecord])).toBeNull();
  expect(statusOf(first, await measure(plan, [1], "n1", "fail-load"))).toBe("partly_failed");
  expect(merge(plan, "r", []).records).toEqual([]);
});

test("machines that are alike are one environment, others are told apart", async () => {
  const plan = await planned();
  const [first, same] = [await measure(plan, [0], "n1"), await measure(plan, [1], "n2")];
  const other = await measure(plan, [1], "n3", "other-torch");
  const changesOf = (records: readonly RunFileRecord[]) =>
    groupRecords(
      merge(plan, "r", [
        { name: "0of2.0", records: first },
        { name: "1of2.0", records },
      ]).records,
      "here",
    ).environmentChanges;
  expect(changesOf(same)).toEqual([]);
  expect(changesOf(other)).toHaveLength(1);
});

test("a part whose further load was cut off is complete, and the task that went on with it counts", async () => {
  const plan = await planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", "warmup: 0").replace("[hello]", "[a, b, c, d, e]"),
  );
  const { records: whole } = await runPlan(plan, "uneven-loads");
  const cut = whole.findIndex((record) => record.kind === "trial" && record.round === 2) + 1;
  const alone = merge(plan, "r", [{ name: "0of1.0", records: whole.slice(0, cut) }]);
  expect(alone.parts[0]?.chosen).toMatchObject({ state: "complete", hasFurtherLeft: true });
  const data = groupRecords(alone.records, "here");
  expect(data.end?.status).toBe("completed");
  expect(data.configurations.map(({ status }) => status)).toEqual(["completed", "completed"]);
  const both = merge(plan, "r", [
    { name: "0of1.0", records: whole.slice(0, cut) },
    { name: "0of1.1", records: later(whole, 1) },
  ]);
  expect(both.parts[0]?.chosen).toMatchObject({
    state: "complete",
    hasFurtherLeft: false,
    task: { name: "0of1.1" },
  });
});

test("a part with a further load that failed is over, but not complete", async () => {
  const plan = await planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", "warmup: 0").replace("[hello]", "[a, b, c, d, e]"),
  );
  const { records: whole } = await runPlan(plan, "uneven-loads");
  const first = whole.findIndex((record) => record.kind === "load" && record.round === 2);
  const [end] = whole.filter((record) => record.kind === "configuration");
  const failed = {
    ...end,
    status: "failed",
    round: 2,
    configuration_id: (whole[first] as { configuration_id: string }).configuration_id,
    failure: failure({ code: "out-of-memory-host" }),
  } as unknown as RunFileRecord;
  const { parts, end: runEnd } = merge(plan, "r", [
    { name: "0of1.0", records: [...whole.slice(0, first), failed] },
  ]);
  expect(parts[0]?.chosen?.state).toBe("over");
  expect(runEnd?.status).toBe("partly_failed");
});
