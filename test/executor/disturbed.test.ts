import { expect, test } from "vitest";
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

test("on a machine that stays busy measuring again ends soon, and nothing is measured for ever", async () => {
  const { status, records } = await runPlan(plan(5, 2), "disturbed");
  expect(status).toBe("completed");
  const [one, two, ...others] = plan(5, 2).trials.map(({ id }) => id);
  // Three in a row were in vain: two of the first trial, one of the second.
  expect(trialsOf(records).map(([id]) => id)).toEqual([one, one, one, two, two, ...others]);
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
