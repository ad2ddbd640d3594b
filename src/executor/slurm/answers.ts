/** What squeue and sacct print, as rows. Pure. */
import { normalizeState, type SlurmTaskState } from "./states.js";

/** Array id, index, state, reason, node, name. A pending array stands in a line a task (`-r`). */
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
  /** Of any kind, each task of an array counted. */
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

/** By task, in order of time: a task that Slurm queued again has several. */
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
