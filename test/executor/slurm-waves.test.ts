import { join } from "node:path";
import { expect, test } from "vitest";
import { followSlices } from "../../src/executor/slurm/follow.js";
import { type Ledger, markCancelled, readLedger } from "../../src/executor/slurm/ledger.js";
import { Submitter } from "../../src/executor/slurm/submit.js";
import { slurmSchema } from "../../src/experiment/slurm-schema.js";
import { RunPaths } from "../../src/run/paths.js";
import { endSlice, PretendedSlurm } from "../fixtures/pretended-slurm.js";
import { scratchFolder } from "../fixtures/run-folder.js";

/** A run of this many slices, none of which has been submitted. */
function startRun(slices: number, settings: object = {}) {
  const run = new RunPaths(join(scratchFolder(), "r"));
  const ledger: Ledger = {
    ...{ schema_version: 1, slices, python: null, attempts: 3, retry_failed: false, cwd: "/" },
    settings: slurmSchema.parse(settings),
    jobs: [],
    waiting: Array.from({ length: slices }, (_, slice) => slice),
    ...{ losses_before: [], losses: [], cancelled_at: null },
  };
  return { run, ledger };
}

/** Follows a run to its end; each look at the queue comes an hour after the one before. */
async function follow({ run, ledger }: ReturnType<typeof startRun>, slurm: PretendedSlurm) {
  const said: string[] = [];
  const losses: string[] = [];
  let hours = 0;
  const clock = { now: () => new Date(0), monotonicSec: () => hours * 3600 };
  const options = { run, client: slurm, clock };
  const submitter = new Submitter({ ...options, program: ["falcon-exp"], say: (text) => said.push(text) });
  const end = await followSlices(ledger, {
    ...options,
    pollMs: 0,
    signal: AbortSignal.timeout(20_000),
    onLook: () => void hours++,
    onLoss: ({ slice, code, outcome }) => void losses.push(`${slice} ${code} ${outcome}`),
    isOver: async () => false,
    submitWaiting: (before, queue) => submitter.submitWaiting(before, queue),
    giveUp: async (slice) => endSlice(run.folder, slice, ledger.slices),
  });
  return { end, said, losses, after: await readLedger(run) };
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const sorted = (arrays: readonly (readonly number[])[]) => arrays.flat().toSorted((a, b) => a - b);

test("more tasks than an array, or the queue, may hold are submitted in several, as room appears, and each once", async () => {
  const slurm = new PretendedSlurm({ maxArraySize: 3, maxJobCount: 6, slots: 2 });
  const { end, said, losses, after } = await follow(startRun(8), slurm);
  expect(end).toBe("over");
  expect(slurm.arrays.slice(0, 2)).toEqual([
    [0, 1, 2],
    [3, 4],
  ]);
  expect(sorted(slurm.arrays)).toEqual(numbers(8));
  // A tenth of MaxJobCount is left to other users.
  expect(slurm.most).toBe(5);
  expect(after.waiting).toEqual([]);
  expect(after.jobs.map(({ slices }) => slices)).toEqual(slurm.arrays);
  expect(losses).toEqual([]);
  expect(said.join("\n")).toContain(
    "3 tasks not submitted yet: Slurm takes at most 6 jobs from all users (MaxJobCount)",
  );
});

test("a limit that only sbatch tells is waited for, told, and nothing is lost by it", async () => {
  const slurm = new PretendedSlurm({ maxArraySize: 1001, maxJobCount: 10_000, submitLimit: 3, slots: 1 });
  const { end, said, losses, after } = await follow(startRun(9), slurm);
  expect(end).toBe("over");
  expect(sorted(slurm.arrays)).toEqual(numbers(9));
  expect(slurm.most).toBe(3);
  expect(after.jobs.flatMap(({ slices }) => slices)).toHaveLength(9);
  expect(losses).toEqual([]);
  expect(said.join("\n")).toMatch(
    /no more tasks at the moment \(sbatch: error: AssocMaxSubmitJobLimit\); trying again in 20 s/,
  );
});

test("a limit that does not give way in a day ends the following, and what is not submitted stays in the ledger", async () => {
  const slurm = new PretendedSlurm({ maxArraySize: 1001, maxJobCount: 10_000, submitLimit: 0, slots: 1 });
  const started = startRun(2);
  await expect(follow(started, slurm)).rejects.toMatchObject({
    code: "slurm-submit-failed",
    message: expect.stringContaining("AssocMaxSubmitJobLimit (for 24 hours)"),
  });
  expect(await readLedger(started.run)).toMatchObject({ jobs: [], waiting: [0, 1] });
});

test("where sbatch's answer is lost the job is found by its name, and submitted again only where Slurm has none", async () => {
  const slurm = new PretendedSlurm({ maxArraySize: 2, maxJobCount: 100, slots: 1 });
  const started = startRun(6);
  // If Slurm does not answer a run's first submission, the run ends; here Slurm accepted the array all the same.
  slurm.answers.push("lost but taken");
  await expect(follow(started, slurm)).rejects.toMatchObject({ code: "slurm-submit-failed" });
  slurm.answers.push("lost");
  const { end, losses, after } = await follow({ ...started, ledger: await readLedger(started.run) }, slurm);
  expect(end).toBe("over");
  expect(sorted(slurm.arrays)).toEqual(numbers(6));
  expect(after.jobs[0]?.id).toBe("11");
  // No task was lost, and no attempt used up.
  expect(losses).toEqual([]);
});

test("a controller that does not answer changes nothing, and an end that it told once is the cause", async () => {
  const slurm = new PretendedSlurm({ maxArraySize: 10, maxJobCount: 100, slots: 1 });
  let looks = 0;
  slurm.beforeQueue = async () => {
    looks++;
    if (looks === 5) slurm.end(0, "PREEMPTED");
    return looks === 3 || looks === 4 ? "silent" : undefined;
  };
  const { end, losses } = await follow(startRun(2), slurm);
  expect(end).toBe("over");
  expect(losses).toEqual(["0 slurm-preempted again"]);
  expect(slurm.arrays).toEqual([[0, 1], [0]]);
});

test("once it is cancelled nothing more is submitted, what was is cancelled, and the rest has that as its cause", async () => {
  const slurm = new PretendedSlurm({ maxArraySize: 2, maxJobCount: 5, slots: 1 });
  const started = startRun(6);
  let looks = 0;
  slurm.beforeQueue = async () => {
    looks++;
    // The first task is running, and two have not been submitted yet.
    if (looks === 3) await markCancelled(started.run, new Date(0));
  };
  const { end, losses, after } = await follow(started, slurm);
  expect(end).toBe("over");
  expect(slurm.arrays).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(new Set(slurm.cancelled)).toEqual(new Set(["11", "12"]));
  expect(losses.toSorted()).toEqual([1, 2, 3, 4, 5].map((slice) => `${slice} slurm-cancelled given-up`));
  expect(after.cancelled_at).toBe("1970-01-01T00:00:00.000Z");
});

test("a run's own limit of tasks at once holds over all of its arrays", async () => {
  const slurm = new PretendedSlurm({ maxArraySize: 3, maxJobCount: 100, slots: 100 });
  await follow(startRun(7, { "array-limit": 2 }), slurm);
  expect(slurm.arrays).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
});
