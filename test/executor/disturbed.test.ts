import { expect, test } from "vitest";
import type { PlanTrial } from "../../src/plan/plan-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { smallPlan } from "../fixtures/plans.js";
import { runPlan } from "../fixtures/run-plan.js";

const plan = (trials: number, disturbedRetries: number) => {
  const small = smallPlan(["none"], { trials });
  return { ...small, header: { ...small.header, disturbed_retries: disturbedRetries } };
};
const trialsOf = (records: Awaited<ReturnType<typeof runPlan>>["records"]) =>
  records.flatMap((record) =>
    record.kind === "trial" && record.status === "completed"
      ? [[record.trial_id, record.disturbed_by.length > 0] as const]
      : [],
  );

test("a trial that other work disturbed is marked, kept, and measured again until all is quiet", async () => {
  const { status, records, events } = await runPlan(plan(2, 2), "disturbed-once");
  expect(status).toBe("completed");
  const [first = "", second = ""] = plan(2, 2).trials.map(({ id }) => id);
  expect(trialsOf(records)).toEqual([
    [first, true],
    [first, false],
    [second, false],
  ]);
  expect(events.filter(({ type }) => type === "trial-completed")).toHaveLength(2);
  expect(records.find(({ kind }) => kind === "configuration")).toMatchObject({ trials_completed: 2 });
});

test("what is disturbed again at once is measured once more after the other trials, when the machine may be quiet", async () => {
  const { records, events } = await runPlan(plan(2, 2), "disturbed-twice");
  const [first = "", second = ""] = plan(2, 2).trials.map(({ id }) => id);
  expect(trialsOf(records)).toEqual([
    [first, true],
    [first, true],
    [second, false],
    [first, false],
  ]);
  expect(events.filter(({ type }) => type === "trial-completed")).toHaveLength(2);
  // The newest measurement of a trial counts.
  const [configuration] = groupRecords(records, "test").configurations;
  expect(configuration?.trials.map((trial) => "disturbed_by" in trial && trial.disturbed_by)).toEqual([
    [],
    [],
  ]);
});

test("on a machine that stays busy measuring again ends soon, and nothing is measured for ever", async () => {
  const { status, records } = await runPlan(plan(5, 2), "disturbed");
  expect(status).toBe("completed");
  const [one, two, three, ...others] = plan(5, 2).trials.map(({ id }) => id);
  // Three repeats in a row are in vain, both right after their trials and again at the end, and then no more are made.
  const atOnce = [one, one, two, two, three, three, ...others];
  expect(trialsOf(records).map(([id]) => id)).toEqual([...atOnce, one, two, three]);
});

test("with repeats: auto a trial that counts later, and makes the rate less certain, has more measured", async () => {
  const small = plan(1, 2);
  const [first] = small.trials;
  const trials = Array.from({ length: 5 }, (_, repeat) => ({
    ...(first as PlanTrial),
    id: `none-0/p1/r${repeat + 1}`,
    index: repeat,
    repeat,
  }));
  const auto_repeats = { width: 0.1, fewest: 2, most: 5 };
  const header = { ...small.header, repeats: 5, trials: 5, auto_repeats };
  const { records } = await runPlan({ ...small, header, trials }, "disturbed-and-slow");
  // The third would be enough, but the first then counts too, with another rate, so two more are measured.
  expect(trialsOf(records).map(([id]) => id.slice(-2))).toEqual(["r1", "r1", "r2", "r3", "r1", "r4", "r5"]);
  expect(records.find(({ kind }) => kind === "configuration")).toMatchObject({ repeats_end: "most-reached" });
});

test("without retries a disturbed trial is measured once, and marked", async () => {
  const { records } = await runPlan(plan(2, 0), "disturbed");
  expect(trialsOf(records).map(([, isDisturbed]) => isDisturbed)).toEqual([true, true]);
});

test("logits that are no numbers fail the configuration, whatever was measured before", async () => {
  const { status, records, kinds } = await runPlan(plan(3, 0), "nan-logits");
  expect(status).toBe("partly_failed");
  expect(kinds.slice(3, -1)).toEqual(["trial:completed", "trial:failed", "configuration:failed"]);
  expect(records.find(({ kind }) => kind === "configuration")).toMatchObject({
    failure: { code: "logits-not-finite" },
  });
});
