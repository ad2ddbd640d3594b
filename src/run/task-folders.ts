/**
 * `tasks/<slice>.<attempt>` in a run's folder: each is written by a single process, so no lock has to work between machines. A
 * process that was taken for dead and still writes does so into its own folder.
 */
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import type { Clock } from "../base/clock.js";
import { mapConcurrent } from "../base/io.js";
import type { ProcessName } from "../base/process-name.js";
import { nameSlice, type Slice } from "../plan/slices.js";
import type { RunPaths } from "./paths.js";
import { openTaskFolder, type RunFolder } from "./run-folder.js";
import { isRunning } from "./run-lock.js";
import { writeFailed } from "./writer.js";

const TASK = /^(\d+)of(\d+)\.(\d+)$/;
const CONCURRENCY = 32;

export interface TaskName extends Slice {
  /** From 0, in the order in which they were started. */
  readonly attempt: number;
}

/** Null if the folder is not named like a task. */
export function parseTaskName(name: string): TaskName | null {
  const [, index, count, attempt] = TASK.exec(name) ?? [];
  return attempt === undefined
    ? null
    : { index: Number(index), count: Number(count), attempt: Number(attempt) };
}

/** Whether the run is measured by tasks. */
export async function hasTasks(run: RunPaths): Promise<boolean> {
  return stat(run.tasks).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The run's tasks, sorted by slice and attempt; empty if there are none. */
export async function listTasks(run: RunPaths): Promise<readonly RunPaths[]> {
  const names = await readdir(run.tasks).catch(() => [] as string[]);
  return names
    .flatMap((name) => {
      const parsed = parseTaskName(name);
      return parsed === null ? [] : [{ name, ...parsed }];
    })
    .sort((a, b) => a.count - b.count || a.index - b.index || a.attempt - b.attempt)
    .map(({ name }) => run.task(name));
}

/** Creates and opens the folder for the next attempt at a slice. Throws `results-write-failed`. */
export async function openTask(run: RunPaths, slice: Slice, clock: Clock): Promise<RunFolder> {
  let folder: RunPaths | null = null;
  try {
    await mkdir(run.tasks, { recursive: true });
    for (let attempt = 0; folder === null; attempt++) {
      const next = run.task(`${nameSlice(slice)}.${attempt}`);
      // The file system decides which process gets it, between machines as well.
      if (await makes(next.folder)) folder = next;
    }
    // The records merged from earlier tasks are no longer complete.
    await rm(run.records, { force: true });
  } catch (cause) {
    throw writeFailed(run.tasks, cause);
  }
  return openTaskFolder(folder, clock);
}

/** Removes the log-probabilities that killed tasks have left behind; for a run that is over. */
export async function removeLogprobs(run: RunPaths): Promise<void> {
  for (const { logprobs } of await listTasks(run)) await rm(logprobs, { recursive: true, force: true });
}

/** Creates a folder; returns false if it already exists. */
async function makes(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Names of the tasks that a process is writing to, as far as this machine can tell. */
export async function listRunningTasks(run: RunPaths, self: ProcessName): Promise<readonly string[]> {
  const running = await mapConcurrent(await listTasks(run), CONCURRENCY, async ({ folder, runId }) =>
    (await isRunning(folder, self)) ? [runId] : [],
  );
  return running.flat();
}

/** Whether a process is writing into the run's folder or into one of its tasks. */
export async function isGoingOn(run: RunPaths, self: ProcessName): Promise<boolean> {
  return (await isRunning(run.folder, self)) || (await listRunningTasks(run, self)).length > 0;
}
