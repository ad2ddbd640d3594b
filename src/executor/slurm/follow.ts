/**
 * Follows a run that Slurm measures: resubmits lost tasks a limited number of times, then records them as failed, with the cause.
 */
import type { Clock } from "../../base/clock.js";
import type { RunPaths } from "../../run/paths.js";
import { SmallFiles } from "../../run/small-files.js";
import type { TaskLoss } from "../../run/task-losses.js";
import type { Queue } from "./answers.js";
import type { SlurmClient } from "./client.js";
import {
  explainLeft,
  explainRequeued,
  judgeSlices,
  maySubmitAgain,
  NO_ARRAY,
  type SliceRecords,
  type SliceStatus,
} from "./judge.js";
import { type Ledger, readCancelled, writeLedger } from "./ledger.js";
import { readSliceRecords } from "./slice-records.js";
import { explainUnsubmitted, type LossCause, type SlurmTaskState } from "./states.js";

export interface FollowOptions {
  readonly run: RunPaths;
  readonly client: SlurmClient;
  readonly clock: Clock;
  readonly pollMs: number;
  /** Stops following the run; the tasks continue. */
  readonly signal: AbortSignal;
  /** Called after each look. */
  readonly onLook: (statuses: readonly SliceStatus[]) => void;
  readonly onLoss: (loss: TaskLoss) => void;
  /** Whether nothing is left to do in a slice, no matter which process measured it. */
  readonly isOver: (slice: number) => Promise<boolean>;
  /** Submits the waiting slices, as far as there is room. */
  readonly submitWaiting: (ledger: Ledger, queue: Queue) => Promise<Ledger>;
  /** Records what is left of a slice as failed. */
  readonly giveUp: (slice: number, cause: LossCause) => Promise<void>;
}

/** Looks at the records and the queue once. */
export async function lookAtSlices(
  ledger: Ledger,
  { run, client, clock }: Pick<FollowOptions, "run" | "client" | "clock">,
) {
  const records = await readSliceRecords(run, ledger.slices, new SmallFiles(clock));
  const isEnd = records.every(({ isOver }) => isOver);
  const queue = isEnd ? { rows: [], jobs: 0 } : await client.queue(namesToAsk(ledger, records));
  const ids = new Map(queue?.rows.map(({ name, arrayId }) => [name, arrayId]));
  const jobs = ledger.jobs.map((job) => ({ ...job, id: job.id ?? ids.get(job.name) ?? null }));
  const over = new Set(records.flatMap(({ slice, isOver }) => (isOver ? [slice] : [])));
  const waiting = ledger.waiting.filter((slice) => !over.has(slice));
  const known = { ...ledger, jobs, waiting };
  return { records, ledger: known, queue, statuses: judgeSlices(records, known, queue?.rows ?? null) };
}

/**
 * Returns `all` if something is to be submitted, because everybody's jobs fill Slurm's queue; else the names of the jobs whose
 * tasks are not all over.
 */
function namesToAsk({ jobs, waiting }: Ledger, records: readonly SliceRecords[]): readonly string[] | "all" {
  if (waiting.length > 0) return "all";
  return jobs
    .filter(({ id, slices }) => id === null || slices.some((slice) => records[slice]?.isOver !== true))
    .map(({ name }) => name);
}

/** Follows the run until every slice is over, or until `signal` ends it. Throws whatever the functions that it calls throw. */
export async function followSlices(start: Ledger, options: FollowOptions): Promise<"over" | "detached"> {
  const { run, client, clock, pollMs, signal, onLook } = options;
  let ledger = start;
  /**
   * Slices that were left at the last look. A state counts only if it is seen twice, because records on a shared disk and Slurm's
   * answers arrive late.
   */
  const leftBefore = new Map<number, SlurmTaskState>();
  const overElsewhere = new Set<number>();
  for (;;) {
    const look = await lookAtSlices(ledger, { run, client, clock });
    ledger = { ...look.ledger, cancelled_at: look.ledger.cancelled_at ?? (await readCancelled(run)) };
    const statuses = look.statuses.map(
      (status, slice): SliceStatus => (overElsewhere.has(slice) ? { kind: "over" } : status),
    );
    if (ledger.cancelled_at !== null) ledger = await cancelRest(ledger, statuses, options);
    else if (look.queue !== null) ledger = await options.submitWaiting(ledger, look.queue);
    const lost: Lost[] = [];
    for (const [slice, status] of statuses.entries()) {
      if (status.kind !== "left") leftBefore.delete(slice);
      else if (!leftBefore.has(slice)) leftBefore.set(slice, status.task);
      else if (await options.isOver(slice)) overElsewhere.add(slice);
      else {
        // Between the two looks Slurm may have forgotten how the task ended.
        const task = status.task.state === null ? (leftBefore.get(slice) ?? status.task) : status.task;
        lost.push({ slice, task, wasStopped: look.records[slice]?.wasStopped === true });
      }
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

/** Cancels tasks that are still alive, also those submitted meanwhile, and records slices that were not submitted as given up. */
async function cancelRest(
  before: Ledger,
  statuses: readonly SliceStatus[],
  options: FollowOptions,
): Promise<Ledger> {
  const { client } = options;
  const alive = statuses.flatMap((one) =>
    one.kind === "waiting" || (one.kind === "running" && one.state !== "COMPLETING") ? [one.job] : [],
  );
  const arrays = [...new Set(alive.map((job) => arrayOf(job)))];
  if (arrays.length > 0) await client.cancel(arrays);
  let ledger = { ...before, waiting: [] as number[] };
  for (const slice of before.waiting) {
    const cause = { ...explainUnsubmitted(slice), state: null };
    ledger = noteLoss(ledger, { slice, job: "none", restart: 0, outcome: "given-up" }, cause, options);
    await options.giveUp(slice, cause);
  }
  return ledger;
}

interface Lost {
  readonly slice: number;
  readonly task: SlurmTaskState;
  readonly wasStopped: boolean;
}

type Restart = { readonly slice: number; readonly job: string; readonly restart: number };

function isKnown({ losses, losses_before }: Ledger, { job, restart }: Omit<Restart, "slice">): boolean {
  return [...losses_before, ...losses].some(
    (loss) => loss.outcome === "requeued" && loss.job === job && loss.restart === restart,
  );
}

async function settle(
  before: Ledger,
  lost: readonly Lost[],
  restarts: readonly Restart[],
  options: FollowOptions,
): Promise<Ledger> {
  let ledger = before;
  const submitted = lost.filter(({ task }) => !isOfNoJob(task));
  const arrays = new Set([...submitted.map(({ task }) => task), ...restarts].map(({ job }) => arrayOf(job)));
  const accounting = arrays.size === 0 ? null : await options.client.accounting([...arrays]);
  for (const { slice, job, restart } of restarts) {
    const cause = explainRequeued({ job, restart }, accounting);
    ledger = noteLoss(ledger, { slice, job, restart, outcome: "requeued" }, cause, options);
  }
  // sbatch gave no answer, and it is now known that Slurm does not have the job.
  const again = lost.flatMap(({ slice, task }) => (isOfNoJob(task) ? [slice] : []));
  for (const { slice, task, wasStopped } of submitted) {
    const cause = explainLeft(task, wasStopped, accounting);
    const isAgain = maySubmitAgain(ledger, slice, cause);
    const outcome = isAgain ? "again" : "given-up";
    ledger = noteLoss(ledger, { slice, job: task.job, restart: 0, outcome }, cause, options);
    if (isAgain) again.push(slice);
    else await options.giveUp(slice, cause);
  }
  return { ...ledger, waiting: [...ledger.waiting, ...again] };
}

function noteLoss(
  ledger: Ledger,
  which: Pick<TaskLoss, "slice" | "job" | "restart" | "outcome">,
  { code, message, state }: LossCause & { readonly state: string | null },
  { clock, onLoss }: Pick<FollowOptions, "clock" | "onLoss">,
): Ledger {
  const loss: TaskLoss = { ...which, state, code, message, at: clock.now().toISOString() };
  onLoss(loss);
  return { ...ledger, losses: [...ledger.losses, loss] };
}

/** Returns `17` for `17_0`. */
function arrayOf(job: string): string {
  return job.split("_")[0] ?? "";
}

function isOfNoJob({ job }: SlurmTaskState): boolean {
  return arrayOf(job) === NO_ARRAY;
}

/** Resolves with false if the signal ended it early. */
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
