/** What Slurm's states mean for a task that did not record its end. Pure. */

/** States of tasks that no longer wait or run. */
const ENDED: ReadonlySet<string> = new Set([
  "BOOT_FAIL",
  "CANCELLED",
  "COMPLETED",
  "DEADLINE",
  "FAILED",
  "NODE_FAIL",
  "OUT_OF_MEMORY",
  "PREEMPTED",
  "REVOKED",
  "TIMEOUT",
]);

/** Returns CANCELLED for `CANCELLED by 1000`. */
export function normalizeState(state: string): string {
  return /^[A-Z_]+/.exec(state)?.[0] ?? "";
}

/** True only for states that are known to be an end: an unknown state of a newer Slurm may be one of waiting. */
export function isEnded(state: string): boolean {
  return ENDED.has(normalizeState(state));
}

export interface LossCause {
  /** Stable; docs/errors.md. */
  readonly code: string;
  readonly message: string;
  readonly next: string;
  /** Whether another try may succeed. */
  readonly mayRetry: boolean;
}

const AGAIN = "Measure what is missing: falcon-exp run --resume RUN --retry-failed.";
const SUBMIT =
  "Look at slurm/*.out in the run's folder; then falcon-exp run --resume RUN --executor slurm --retry-failed.";

/** Not one of Slurm's states. */
export const STOPPED = "STOPPED_ITSELF";

const CAUSES: Readonly<Record<string, Omit<LossCause, "message"> & { readonly what: string }>> = {
  TIMEOUT: {
    code: "slurm-time-limit",
    what: "it reached its time limit",
    next: "Raise executor.slurm.time, or spread the work over more tasks.",
    mayRetry: true,
  },
  OUT_OF_MEMORY: {
    code: "slurm-out-of-memory",
    what: "it used more memory than it had asked for",
    next: "Raise executor.slurm.mem, then try again: falcon-exp run --resume RUN --executor slurm --retry-failed.",
    mayRetry: false,
  },
  CANCELLED: { code: "slurm-cancelled", what: "it was cancelled", next: AGAIN, mayRetry: false },
  DEADLINE: {
    code: "slurm-cancelled",
    what: "it could not begin before its deadline",
    next: AGAIN,
    mayRetry: false,
  },
  NODE_FAIL: { code: "slurm-node-failed", what: "its node failed", next: SUBMIT, mayRetry: true },
  BOOT_FAIL: { code: "slurm-node-failed", what: "its node did not start", next: SUBMIT, mayRetry: true },
  PREEMPTED: { code: "slurm-preempted", what: "it was preempted", next: SUBMIT, mayRetry: true },
  [STOPPED]: {
    code: "slurm-stopped",
    what: "it was told to stop, before its time limit or for other work, and kept its results",
    next: "Raise executor.slurm.time, or spread the work over more tasks.",
    mayRetry: true,
  },
  FAILED: {
    code: "slurm-task-failed",
    what: "it ended before its work was done",
    next: SUBMIT,
    mayRetry: true,
  },
  COMPLETED: {
    code: "slurm-task-failed",
    what: "it ended before its work was done",
    next: SUBMIT,
    mayRetry: true,
  },
};

const UNKNOWN = {
  code: "slurm-task-lost",
  what: "it disappeared from the queue for no known reason",
  next: SUBMIT,
  mayRetry: true,
};

export interface SlurmTaskState {
  /** `17_0`. */
  readonly job: string;
  /** Null if Slurm no longer knows the task. */
  readonly state: string | null;
  /** `1:0`, as sacct prints it: code and signal. */
  readonly exitCode: string | null;
  readonly node: string | null;
}

/** Explains why a task did not record its end. */
export function explainLoss({ job, state, exitCode, node }: SlurmTaskState): LossCause {
  const known = state === null ? undefined : CAUSES[normalizeState(state)];
  const { what, ...cause } = known ?? UNKNOWN;
  const where = node === null || node === "" ? "" : ` on ${node}`;
  const how = exitCode === null || exitCode === "0:0" ? "" : `, exit code ${exitCode}`;
  const told = state === STOPPED ? "SIGTERM" : (state ?? "unknown to Slurm");
  return { ...cause, message: `Slurm task ${job}${where}: ${what} (${told}${how}).` };
}

/** Returns the cause for a slice for which no task was submitted. */
export function explainUnsubmitted(slice: number): LossCause {
  const message = `Slice ${slice} had not been submitted yet when the run was cancelled.`;
  return { code: "slurm-cancelled", message, next: AGAIN, mayRetry: false };
}
