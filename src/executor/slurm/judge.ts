/** What is to be done about each slice, of its records and of Slurm's answers. Pure. */

import type { QueueRow } from "./answers.js";
import type { Ledger } from "./ledger.js";
import { explainLoss, isEnded, type LossCause, type SlurmTaskState, STOPPED } from "./states.js";

/** What the records of a slice say: `over` once an attempt ended with nothing left to do. */
export interface SliceRecords {
  readonly slice: number;
  readonly isOver: boolean;
  /** The newest attempt was told to stop, and did. */
  readonly wasStopped: boolean;
  /** Attempts that Slurm began by queueing a task again. */
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
  /** Whoever follows the run submits it when there is room. */
  | { readonly kind: "unsubmitted" }
  /** In Slurm's hands: waits, runs, or there is no answer. */
  | {
      readonly kind: "waiting" | "running" | "unknown";
      readonly job: string;
      readonly state: string;
      readonly reason: string;
      readonly node: string | null;
    }
  /** Slurm has it no more, and it left no end. */
  | { readonly kind: "left"; readonly task: SlurmTaskState };

/** In the place of an array's id, where sbatch left no answer. */
export const NO_ARRAY = "?";

/** In the order of `records`. `queue` is null where squeue did not answer. */
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

/** `row` is null where squeue did not answer, undefined where it knows no such task. */
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

/** What squeue no longer knows, or tells less of, accounting may. */
export function explainLeft(
  task: SlurmTaskState,
  wasStopped: boolean,
  accounting: ReadonlyMap<string, readonly SlurmTaskState[]> | null,
): LossCause & { readonly state: string | null } {
  const recorded = accounting?.get(task.job)?.at(-1);
  const known = recorded !== undefined && isEnded(recorded.state ?? "") ? recorded : task;
  // It then ends by itself, and Slurm says no more than how.
  const state = wasStopped && ["FAILED", "COMPLETED"].includes(known.state ?? "") ? STOPPED : known.state;
  return { ...explainLoss({ ...known, state }), state: known.state };
}

/** Whether it is submitted once more. */
export function maySubmitAgain(
  ledger: Pick<Ledger, "losses" | "settings" | "cancelled_at">,
  slice: number,
  cause: LossCause,
): boolean {
  if (ledger.cancelled_at !== null || !cause.mayRetry) return false;
  const before = ledger.losses.filter((loss) => loss.slice === slice && loss.outcome === "again").length;
  return before < ledger.settings.retries;
}

/** How an attempt ended after which Slurm queued the task again by itself. */
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
