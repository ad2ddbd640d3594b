/** Parses what squeue and sacct print into rows. Pure. */
import { normalizeState, type SlurmTaskState } from "./states.js";

/** Job (array id and index), state, reason, node, name. With `-r`, a pending array has one line per task. */
export const SQUEUE_FORMAT = "%i|%T|%r|%N|%j";
export const SACCT_FORMAT = "JobID,State,ExitCode,NodeList";

export interface QueueRow extends SlurmTaskState {
  readonly arrayId: string;
  readonly index: number;
  readonly reason: string;
  readonly name: string;
}

export interface Queue {
  readonly rows: readonly QueueRow[];
  /** The number of jobs of any kind; each task of an array counts. */
  readonly jobs: number;
}

export function parseQueue(text: string): Queue {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const rows = lines.flatMap((line) => {
    const [job = "", state = "", reason = "", node = "", name = ""] = line.split("|");
    const [, arrayId, index] = TASK.exec(job) ?? [];
    if (arrayId === undefined) return [];
    const row = { job, state: normalizeState(state), reason, node, name, exitCode: null };
    return [{ ...row, arrayId, index: Number(index) }];
  });
  return { rows, jobs: lines.length };
}

const TASK = /^(\d+)_(\d+)$/;

/** Returns the states of each task, in order of time; a task that Slurm requeued has several. */
export function parseAccounting(text: string): ReadonlyMap<string, readonly SlurmTaskState[]> {
  const found = new Map<string, SlurmTaskState[]>();
  for (const line of text.split("\n")) {
    const [job = "", state = "", exitCode = "", node = ""] = line.split("|");
    if (!TASK.test(job)) continue;
    const row = { job, state: normalizeState(state), exitCode, node: node === "None assigned" ? null : node };
    found.set(job, [...(found.get(job) ?? []), row]);
  }
  return found;
}
