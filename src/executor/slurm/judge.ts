/** Decides what to do about each slice, from its records and Slurm's answers. Pure. */

import type { QueueRow } from "./answers.js";
import type { Ledger } from "./ledger.js";
import { explainLoss, isEnded, type LossCause, type SlurmTaskState, STOPPED } from "./states.js";

/** What the records of a slice say. It is over once an attempt has ended with nothing left to do. */
export interface SliceRecords {
  readonly slice: number;
  readonly isOver: boolean;
  /** Whether the newest attempt was told to stop, and did. */
  readonly wasStopped: boolean;
  /** Attempts that began because Slurm requeued a task. */
  readonly restarts: readonly TaskRestart[];
}

export interface TaskRestart {
  /** `17_0`. */
  readonly job: string;
  /** From 1. */
  readonly restart: number;
}

export type SliceStatus =
  | { readonly kind: "over" }
  /** The process that follows the run submits it when there is room. */
  | { readonly kind: "unsubmitted" }
  /** In Slurm's hands: it waits or runs, or Slurm did not answer. */
  | {
      readonly kind: "waiting" | "running" | "unknown";
      readonly job: string;
      readonly state: string;
      readonly reason: string;
      readonly node: string | null;
    }
  /** Slurm no longer has the task, and the task recorded no end. */
  | { readonly kind: "left"; readonly task: SlurmTaskState };

/** Stands in place of an array's id if sbatch gave no answer. */
export const NO_ARRAY = "?";

/** Returns the status of each slice, in the order of `records`. `queue` is null if squeue did not answer. */
export function judgeSlices(
  records: readonly SliceRecords[],
  { jobs, waiting }: Pick<Ledger, "jobs" | "waiting">,
  queue: readonly QueueRow[] | null,
): readonly SliceStatus[] {
  const unsubmitted = new Set(waiting);
  const newest = new Map(jobs.flatMap((job) => job.slices.map((slice) => [slice, job] as const)));
  const rows = new Map(queue?.map((row) => [`${row.name} ${row.index}`, row]));
  return records.map(({ slice, isOver }) => {
    if (isOver) return { kind: "over" };
    if (unsubmitted.has(slice)) return { kind: "unsubmitted" };
    const job = newest.get(slice);
    const index = slice - (job?.offset ?? 0);
    const task = `${job?.id ?? NO_ARRAY}_${index}`;
    return judgeTask(task, queue === null ? null : rows.get(`${job?.name} ${index}`));
  });
}

/** `row` is null if squeue did not answer, undefined if it knows no such task. */
function judgeTask(job: string, row: QueueRow | null | undefined): SliceStatus {
  if (row === null) return { kind: "unknown", job, state: "no answer", reason: "", node: null };
  if (row === undefined) return { kind: "left", task: { job, state: null, exitCode: null, node: null } };
  const { state, reason, node } = row;
  if (isEnded(state ?? "")) return { kind: "left", task: row };
  return {
    kind: state === "RUNNING" || state === "COMPLETING" ? "running" : "waiting",
    job: row.job,
    state: state ?? "",
    reason,
    node,
  };
}

/** Explains why a task ended without recording it. Accounting may still know, or tell more, when squeue does not. */
export function explainLeft(
  task: SlurmTaskState,
  wasStopped: boolean,
  accounting: ReadonlyMap<string, readonly SlurmTaskState[]> | null,
): LossCause & { readonly state: string | null } {
  const recorded = accounting?.get(task.job)?.at(-1);
  const known = recorded !== undefined && isEnded(recorded.state ?? "") ? recorded : task;
  // A task that was told to stop ends by itself, so Slurm only knows that it failed or completed.
  const state = wasStopped && ["FAILED", "COMPLETED"].includes(known.state ?? "") ? STOPPED : known.state;
  return { ...explainLoss({ ...known, state }), state: known.state };
}

/** Whether a slice may be submitted once more. */
export function maySubmitAgain(
  ledger: Pick<Ledger, "losses" | "settings" | "cancelled_at">,
  slice: number,
  cause: LossCause,
): boolean {
  if (ledger.cancelled_at !== null || !cause.mayRetry) return false;
  const before = ledger.losses.filter((loss) => loss.slice === slice && loss.outcome === "again").length;
  return before < ledger.settings.retries;
}

/** Explains how an attempt ended after which Slurm requeued the task by itself. */
export function explainRequeued(
  { job, restart }: TaskRestart,
  accounting: ReadonlyMap<string, readonly SlurmTaskState[]> | null,
): LossCause & { readonly state: string | null } {
  const earlier = accounting?.get(job)?.at(restart - 1);
  if (earlier !== undefined && isEnded(earlier.state ?? ""))
    return { ...explainLoss(earlier), state: earlier.state };
  const message = `Slurm task ${job}: Slurm queued it again (preempted, its node failed, or scontrol requeue).`;
  return {
    code: "slurm-requeued",
    message,
    next: "Nothing: it is measured again.",
    mayRetry: true,
    state: null,
  };
}
