import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chooseRun } from "../../src/commands/choose-run.js";
import { planText } from "../../src/plan/plan-file.js";
import type { Plan } from "../../src/plan/plan-types.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { testIo } from "../fixtures/io.js";
import { failure, toJsonl } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { runPlan } from "../fixtures/run-plan.js";

const ID = "20260101T000000Z-0001";

async function unevenRun() {
  const plan = await planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", "warmup: 0").replace("[hello]", "[a, b, c, d, e]"),
  );
  const { records } = await runPlan(plan, "uneven-loads");
  return { plan, records };
}

/** What resuming a run with these records says, and whether it says that the run is over. */
async function resume(plan: Plan, records: readonly RunFileRecord[], retryFailed = false) {
  const cwd = scratchFolder();
  const ofThis = records.map((record) => ({ ...record, run_id: ID }));
  const { folder } = addRun(join(cwd, "results"), `x/${ID}`, toJsonl(ofThis));
  writeFileSync(join(folder, "plan.jsonl"), planText(plan));
  const { io, stderr } = testIo(cwd);
  const args = { set: [], results: "results", retryFailed, acceptChanges: false, reuse: false };
  const chosen = await chooseRun(io, { ...args, resume: "x" });
  await chosen.close();
  return { said: stderr().replace(folder, "RUN"), over: chosen.over };
}

test("a run that was killed in a load beyond the planned ones has that left, and says so", async () => {
  const { plan, records } = await unevenRun();
  const cut = records.findIndex((record) => record.kind === "trial" && record.round === 2) + 1;
  expect(await resume(plan, records.slice(0, cut))).toEqual({
    said: "Resuming RUN: 2 further loads with 5 trials, to compare speeds more precisely.\n",
    over: undefined,
  });
});

test("what is left of the plan is told before what is left beyond it", async () => {
  const { plan, records } = await unevenRun();
  const planned = records.findIndex((record) => record.kind === "trial" && record.round === 1) + 1;
  const { said, over } = await resume(plan, records.slice(0, planned));
  expect(said).toMatch(/^Resuming RUN: \d of 10 trials left, in 2 loads\.\n$/);
  expect(over).toBeUndefined();
});

test("where a load beyond the planned ones failed, nothing is left unless what failed is tried again", async () => {
  const { plan, records } = await unevenRun();
  const first = records.findIndex((record) => record.kind === "load" && record.round === 2);
  const { configuration_id } = records[first] as { configuration_id: string };
  const end = records.find((record) => record.kind === "configuration");
  const failed = [plan.configurations[0]?.worker.id, plan.configurations[1]?.worker.id].map((id) => ({
    ...end,
    status: "failed",
    round: 2,
    attempt: 1,
    configuration_id: id ?? configuration_id,
    proof_after: undefined,
    repeats_end: undefined,
    failure: failure({ code: "out-of-memory-host" }),
  }));
  const runEnd = { ...records.at(-1), status: "partly_failed" };
  const all = [...records.slice(0, first), ...failed, runEnd] as unknown as RunFileRecord[];
  expect(await resume(plan, all)).toEqual({
    said: "Nothing is left to measure in RUN.\n",
    over: "partly_failed",
  });
  expect(await resume(plan, all, true)).toEqual({
    said: "Resuming RUN: 2 further loads with 6 trials, to compare speeds more precisely.\n",
    over: undefined,
  });
});
