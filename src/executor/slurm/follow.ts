/** Follows a run that Slurm measures: what is lost is submitted again within a bound, then recorded as failed, with its cause. */
import type { Clock } from "../../base/clock.js";
import type { RunPaths } from "../../run/paths.js";
import { SmallFiles } from "../../run/small-files.js";
import type { TaskLoss } from "../../run/task-losses.js";
import type { SlurmClient } from "./client.js";
import { explainLeft, explainRequeued, judgeSlice, maySubmitAgain, type SliceStatus } from "./judge.js";
import { type Ledger, writeLedger } from "./ledger.js";
import { readSliceRecords } from "./slice-records.js";
import type { LossCause, SlurmTaskState } from "./states.js";

export interface FollowOptions {
  readonly run: RunPaths;
  readonly client: SlurmClient;
  readonly clock: Clock;
  readonly pollMs: number;
  /** Ends the following; the tasks go on. */
  readonly signal: AbortSignal;
  /** Told of each look. */
  readonly onLook: (statuses: readonly SliceStatus[]) => void;
  readonly onLoss: (loss: TaskLoss) => void;
  /** Whether nothing is left of a slice, whoever measured it. */
  readonly isOver: (slice: number) => Promise<boolean>;
  /** Submits slices once more. */
  readonly submit: (ledger: Ledger, slices: readonly number[]) => Promise<Ledger>;
  /** Records what is left of a slice as failed. */
  readonly giveUp: (slice: number, cause: LossCause) => Promise<void>;
}

/** One look: records, queue. */
export async function lookAtSlices(
  ledger: Ledger,
  { run, client, clock }: Pick<FollowOptions, "run" | "client" | "clock">,
) {
  const records = await readSliceRecords(run, ledger.slices, new SmallFiles(clock));
  const names = ledger.jobs.map(({ name }) => name);
  const queue = records.every(({ isOver }) => isOver) ? [] : await client.queue(names);
  const jobs = ledger.jobs.map((job) => ({
    ...job,
    id: job.id ?? queue?.find(({ name }) => name === job.name)?.arrayId ?? null,
  }));
  const known = { ...ledger, jobs };
  return { records, ledger: known, statuses: records.map((one) => judgeSlice(one, known, queue)) };
}

/** Until every slice is over. Throws what its parts throw. */
export async function followSlices(start: Ledger, options: FollowOptions): Promise<"over" | "detached"> {
  const { run, client, clock, pollMs, signal, onLook } = options;
  let ledger = start;
  /** A state is believed when it was seen twice: records travel through the file system, and answers lag. */
  const leftBefore = new Set<number>();
  const overElsewhere = new Set<number>();
  for (;;) {
    const look = await lookAtSlices(ledger, { run, client, clock });
    ledger = look.ledger;
    const statuses = look.statuses.map(
      (status, slice): SliceStatus => (overElsewhere.has(slice) ? { kind: "over" } : status),
    );
    const lost: { slice: number; task: SlurmTaskState; wasStopped: boolean }[] = [];
    for (const [slice, status] of statuses.entries()) {
      if (status.kind !== "left") leftBefore.delete(slice);
      else if (!leftBefore.has(slice)) leftBefore.add(slice);
      else if (await options.isOver(slice)) overElsewhere.add(slice);
      else lost.push({ slice, task: status.task, wasStopped: look.records[slice]?.wasStopped === true });
    }
    const restarts = look.records.flatMap((one) =>
      one.restarts
        .filter((restart) => !isKnown(ledger, restart))
        .map((restart) => ({ ...restart, slice: one.slice })),
    );
    if (lost.length + restarts.length > 0) {
      ledger = await settle(ledger, lost, restarts, options);
      for (const { slice } of lost) leftBefore.delete(slice);
    }
    await writeLedger(run, ledger);
    onLook(statuses);
    if (statuses.every(({ kind }, slice) => kind === "over" || overElsewhere.has(slice))) return "over";
    if (!(await sleep(pollMs, signal))) return "detached";
  }
}

type Restart = { readonly slice: number; readonly job: string; readonly restart: number };

function isKnown({ losses, losses_before }: Ledger, { job, restart }: Omit<Restart, "slice">): boolean {
  return [...losses_before, ...losses].some(
    (loss) => loss.outcome === "requeued" && loss.job === job && loss.restart === restart,
  );
}

async function settle(
  before: Ledger,
  lost: readonly { readonly slice: number; readonly task: SlurmTaskState; readonly wasStopped: boolean }[],
  restarts: readonly Restart[],
  { client, clock, onLoss, submit, giveUp }: FollowOptions,
): Promise<Ledger> {
  let ledger = before;
  const accounting = await client.accounting(ledger.jobs.flatMap(({ id }) => id ?? []));
  const note = (
    slice: number,
    job: string,
    { restart, outcome }: Pick<TaskLoss, "restart" | "outcome">,
    { code, message, state }: LossCause & { readonly state: string | null },
  ) => {
    const loss: TaskLoss = {
      slice,
      job,
      restart,
      state,
      code,
      message,
      outcome,
      at: clock.now().toISOString(),
    };
    ledger = { ...ledger, losses: [...ledger.losses, loss] };
    onLoss(loss);
  };
  for (const restart of restarts) {
    note(
      restart.slice,
      restart.job,
      { restart: restart.restart, outcome: "requeued" },
      explainRequeued(restart, accounting),
    );
  }
  const again: number[] = [];
  for (const { slice, task, wasStopped } of lost) {
    const cause = explainLeft(task, wasStopped, accounting);
    const isAgain = maySubmitAgain(ledger, slice, cause);
    note(slice, task.job, { restart: 0, outcome: isAgain ? "again" : "given-up" }, cause);
    if (isAgain) again.push(slice);
    else await giveUp(slice, cause);
  }
  return again.length === 0 ? ledger : await submit(ledger, again);
}

/** False where it was ended by the signal. */
function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (isWhole: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      resolve(isWhole);
    };
    const onAbort = () => end(false);
    const timer = setTimeout(() => end(true), ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
