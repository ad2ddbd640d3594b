import { expect, test } from "vitest";
import { summarize } from "../../src/analysis/summary.js";
import { findFurtherLoads } from "../../src/run/further-loads.js";
import { PlanProgress } from "../../src/run/plan-progress.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { runPlan } from "../fixtures/run-plan.js";

const plan = (...lines: readonly string[]) =>
  planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", "warmup: 0", ...lines).replace(
      "[hello]",
      "[a, b, c, d, e]",
    ),
  );
const loadsOf = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) => (record.kind === "load" ? `${record.configuration_id} ${record.round}` : []));
const PLANNED = ["none 0", "fp4 0", "fp4 1", "none 1"];
const FURTHER_ROUNDS = [2, 3, 4, 5, 6, 7];

test("where loads of a configuration stay apart, it and its reference are loaded six times more", async () => {
  const { status, records, events } = await runPlan(await plan(), "uneven-loads");
  expect(status).toBe("completed");
  const loads = loadsOf(records);
  expect(loads.slice(0, 4)).toEqual(PLANNED);
  for (const [index, round] of FURTHER_ROUNDS.entries()) {
    const [first, second] = [4 + 2 * index, 6 + 2 * index];
    expect(loads.slice(first, second).toSorted()).toEqual([`fp4 ${round}`, `none ${round}`]);
  }
  expect(loads).toHaveLength(16);
  const told = events.flatMap((event) =>
    event.type === "ratios-uncertain" ? [[event.sessions.length, event.trials]] : [],
  );
  // Two loads of a configuration share the five prompts: three in one and two in the other.
  expect(told).toEqual(FURTHER_ROUNDS.map((round) => [2, round % 2 === 0 ? 6 : 4]));
  const [first] = events.flatMap((event) => (event.type === "ratios-uncertain" ? [event.uncertainty] : []));
  // The two loads of each configuration differ by a factor of 10/7.5, so their pooled standard deviation is its logarithm divided
  // by √2; 4.8487 is the 98 % quantile of Student's t with two degrees of freedom.
  expect(first).toBeCloseTo(Math.expm1((4.8487 * Math.log(10 / 7.5)) / Math.SQRT2), 2);
});

test("what they measure counts like all else, and nothing is missing", async () => {
  const { records } = await runPlan(await plan(), "uneven-loads");
  const data = groupRecords(records, "test");
  expect(data.recordProblems).toEqual([]);
  const { configurations, trials_planned, trials_completed } = summarize(data);
  expect([trials_planned, trials_completed]).toEqual([40, 40]);
  expect(configurations.map((one) => [one.status, one.trials_planned, one.trials_completed])).toEqual([
    ["completed", 20, 20],
    ["completed", 20, 20],
  ]);
  expect(configurations[1]?.against_reference?.time).toMatchObject({ loads: 8, pairs: 20 });
});

test("loads that are even are followed by none; nor are rounds that were asked for", async () => {
  const even = await runPlan(await plan(), "good");
  expect(loadsOf(even.records)).toEqual(PLANNED);
  const asked = await runPlan(await plan("rounds: 2"), "uneven-loads");
  expect(loadsOf(asked.records)).toHaveLength(4);
});

test("on a machine that is busy more loads would tell no more", async () => {
  const { records } = await runPlan(await plan("disturbed_retries: 0"), "disturbed");
  expect(loadsOf(records)).toEqual(PLANNED);
});

test("a load whose trials were all disturbed is made up for, because one load does not show how much loads differ", async () => {
  const { records, events } = await runPlan(
    await plan("disturbed_retries: 0", "repeats: 2"),
    "disturbed-load",
  );
  const loads = loadsOf(records);
  expect(loads.slice(0, 4)).toEqual(PLANNED);
  expect(loads.slice(4).toSorted()).toEqual(["fp4 2", "none 2"]);
  const uncertain = events.flatMap((event) => (event.type === "ratios-uncertain" ? [event.uncertainty] : []));
  expect(uncertain).toEqual([Number.POSITIVE_INFINITY]);
  const { configurations } = summarize(groupRecords(records, "test"));
  expect(configurations[1]?.against_reference).toMatchObject({
    pairs: 15,
    pairs_disturbed: 5,
    time: { loads: 2, pairs: 10 },
  });
});

test("a lost load is made up for even if the other load has only two trials", async () => {
  const { records } = await runPlan(await plan("disturbed_retries: 0"), "disturbed-load");
  const loads = loadsOf(records);
  expect(loads.slice(0, 4)).toEqual(PLANNED);
  expect(loads.slice(4).toSorted()).toEqual(["fp4 2", "none 2"]);
  const { configurations } = summarize(groupRecords(records, "test"));
  expect(configurations[1]?.against_reference?.time).toMatchObject({ loads: 2, pairs: 5 });
});

test("what decides are pairs: where those of one load are all disturbed on either side, it is made up for", async () => {
  const planned = await plan("repeats: 2");
  const { records } = await runPlan(planned, "good");
  const disturb = (record: RunFileRecord): RunFileRecord => {
    if (record.kind !== "trial" || record.status !== "completed" || record.round !== 0) return record;
    // Of the first load, one trial stays undisturbed on one side, and all others on the other.
    const isQuiet =
      (record.prompt_index === 0 && record.repeat === 0) === (record.configuration_id === "fp4");
    return isQuiet ? record : { ...record, disturbed_by: ["other work took 41 % of the CPU"] };
  };
  const progress = new PlanProgress(planned, records.map(disturb));
  expect(findFurtherLoads(planned, progress, 2)).toMatchObject({
    uncertainty: Number.POSITIVE_INFINITY,
    sessions: [{ round: 2 }, { round: 2 }],
  });
});

test("a run that is stopped when only loads are left that its records call for has not completed", async () => {
  const planned = await plan();
  const completedLoads = (records: readonly RunFileRecord[]) =>
    records.filter(({ kind }) => kind === "configuration").length;
  let over = 0;
  const stopped = await runPlan(planned, "uneven-loads", (event, stop) => {
    if (event.type === "session-measured") over += 1;
    if (over === 4) stop.request("after-this-trial", "stopped by Ctrl-C");
  });
  expect([stopped.status, completedLoads(stopped.records)]).toEqual(["interrupted", 4]);
  const data = groupRecords(stopped.records, "test");
  expect(data.configurations.map(({ status }) => status)).toEqual(["completed", "completed"]);
  const resumed = await runPlan(planned, "uneven-loads", () => {}, { before: stopped.records });
  expect([resumed.status, completedLoads(resumed.records)]).toEqual(["completed", 16]);
  expect(resumed.records.find(({ kind }) => kind === "resume")).toMatchObject({
    blocks_left: 2,
    trials_left: 6,
  });
});

test("a configuration whose further load was cut off counts by its planned ones", async () => {
  const planned = await plan();
  const stopped = await runPlan(planned, "uneven-loads", (event, stop) => {
    if (event.type === "ratios-uncertain") stop.request("after-this-trial", "stopped by Ctrl-C");
  });
  expect(stopped.status).toBe("interrupted");
  expect(stopped.records.filter(({ kind }) => kind === "configuration").at(-1)).toMatchObject({
    status: "cancelled",
    round: 2,
  });
  const { configurations } = groupRecords(stopped.records, "test");
  expect(configurations.map(({ status, outcome }) => [status, outcome?.status])).toEqual([
    ["completed", "completed"],
    ["completed", "completed"],
  ]);
});

test("a run that was killed during a further load is resumed: each trial is measured once", async () => {
  const planned = await plan();
  const whole = (await runPlan(planned, "uneven-loads")).records;
  const cut = whole.findIndex((record) => record.kind === "trial" && record.round === 2) + 1;
  const { status, records, events } = await runPlan(planned, "uneven-loads", () => {}, {
    before: whole.slice(0, cut),
  });
  expect(status).toBe("completed");
  const ids = (some: readonly RunFileRecord[]) =>
    some.flatMap((record) => (record.kind === "trial" ? record.trial_id : [])).toSorted();
  expect(ids(records)).toEqual(ids(whole));
  expect(events.filter(({ type }) => type === "configuration-kept")).toHaveLength(4);
});

test("a run that was whole is not measured any further, however often it is resumed", async () => {
  const planned = await plan();
  const whole = (await runPlan(planned, "uneven-loads")).records;
  const { events } = await runPlan(planned, "uneven-loads", () => {}, { before: whole });
  expect(events.filter(({ type }) => type === "worker-starting" || type === "ratios-uncertain")).toEqual([]);
});

test("a reused configuration is loaded no further: another day's loads are no round of this one", async () => {
  const planned = await plan("disturbed_retries: 0");
  const earlier = (await runPlan(planned, "uneven-loads")).records;
  const { records, events } = await runPlan(planned, "uneven-loads", () => {}, { reuse: [earlier] });
  expect(events.filter(({ type }) => type === "reused")).toHaveLength(2);
  expect(events.filter(({ type }) => type === "ratios-uncertain")).toEqual([]);
  expect(groupRecords(records, "test").configurations.map(({ trials }) => trials.length)).toEqual([20, 20]);
});
