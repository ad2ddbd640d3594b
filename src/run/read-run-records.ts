/** A run's records, whoever wrote them: one process, or tasks on several machines. */
import { FalconError } from "../base/errors.js";
import type { Plan } from "../plan/plan-types.js";
import { type Slice, splitPlan } from "../plan/slices.js";
import { appendChecksum } from "./checksummed-line.js";
import { dealRun } from "./deal-file.js";
import { readPlan } from "./earlier-run.js";
import { chooseRecords, type MergedTasks, mergeTasks, type PartOfTask } from "./merge-tasks.js";
import type { RunPaths } from "./paths.js";
import { type RecordFile, type RecordWarning, readEachRecord, readRecords } from "./reader.js";
import type { RunFileRecord } from "./record-types.js";
import { writeResultPieces } from "./result-file.js";
import { Sharing } from "./sharing.js";
import { hasTasks, listTasks, parseTaskName } from "./task-folders.js";
import { readTaskLosses } from "./task-losses.js";
import { findParts, TaskOutline } from "./task-outline.js";

export interface ReadTasks extends MergedTasks {
  readonly plan: Plan;
  /** Warnings about damaged lines, and about what was measured twice. */
  readonly warnings: readonly RecordWarning[];
}

/**
 * Reads `records.jsonl`, or the merged records of the tasks if tasks measure the run and it is not over. Throws the readers'
 * FalconErrors.
 */
export async function readRunRecords(paths: RunPaths): Promise<RecordFile> {
  try {
    return await readRecords(paths.records);
  } catch (error) {
    const isMissing = error instanceof FalconError && error.code === "results-not-found";
    if (!isMissing || !(await hasTasks(paths))) throw error;
    const merged = await readTasks(paths);
    const sharing = new Sharing();
    const records: RunFileRecord[] = [];
    for await (const record of listMerged(paths, merged)) records.push(sharing.share(record));
    return { records, warnings: merged.warnings };
  }
}

/**
 * Reads what tasks have recorded, without keeping the records themselves: for the whole plan, or only for the parts of one
 * slice, for which tasks of other slices need not be read. Throws FalconError `resume-plan-unreadable`, `slices-unreadable` and
 * the reader's errors.
 */
export async function readTasks(run: RunPaths, slice: Slice | null = null): Promise<ReadTasks> {
  const plan = await readPlan(run);
  const all = splitPlan(plan);
  const parts = slice === null ? all : await listOwn(run, all, slice);
  const partOf = findParts(parts);
  const warnings: RecordWarning[] = [];
  const tasks: TaskOutline[] = [];
  for (const { records, runId: name } of await listTasks(run)) {
    if (slice !== null && isOfOtherSlice(name, slice)) continue;
    const task = new TaskOutline(name, partOf);
    const ofFile = await readTask(records, (record) => task.add(record));
    const file = `tasks/${name}/records.jsonl`;
    warnings.push(...ofFile.map((warning) => ({ ...warning, file })));
    tasks.push(task);
  }
  const merged = mergeTasks(plan, parts, run.runId, tasks, await readTaskLosses(run));
  return {
    ...merged,
    plan,
    warnings: [...warnings, ...merged.notes.map((message) => ({ line: null, message }))],
  };
}

/** The slice's own parts, in the plan's order. */
async function listOwn(run: RunPaths, all: readonly Plan[], slice: Slice): Promise<readonly Plan[]> {
  const own = new Set((await dealRun(run, all, slice.count))[slice.index]);
  return all.filter((part) => own.has(part));
}

/**
 * Whether the task belongs to another slice. False if its plan was cut into a different number of slices, because it may then
 * have measured the same parts.
 */
function isOfOtherSlice(task: string, { index, count }: Slice): boolean {
  const named = parseTaskName(task);
  return named !== null && named.count === count && named.index !== index;
}

/** Yields every record that counts, as one process would have recorded it; without a `run_end` while something is left to do. */
export async function* listMerged(
  run: RunPaths,
  { tasks, parts, run: first, losses, end }: MergedTasks,
): AsyncGenerator<RunFileRecord> {
  if (first === null) return;
  yield first;
  // These come before the measurements, because the last record tells how long the run has gone on.
  yield* losses;
  const counts = chooseRecords({ parts });
  for (const task of tasks) {
    // One task at a time, because the records of all of them may not fit into memory.
    const records: RunFileRecord[] = [];
    await readEachRecord(run.task(task.name).records, (record) => {
      if (counts(task, record)) records.push(record);
    });
    yield* records;
  }
  if (end !== null) yield end;
}

/** Reads everything that tasks have recorded of parts of the plan, in order of writing. */
export async function readParts(
  run: RunPaths,
  parts: readonly PartOfTask[],
): Promise<readonly RunFileRecord[]> {
  const found: RunFileRecord[] = [];
  for (const task of new Set(parts.map((part) => part.task))) {
    const wanted = findParts(parts.flatMap((part) => (part.task === task ? [part.plan] : [])));
    await readEachRecord(run.task(task.name).records, (record) => {
      if ("configuration_id" in record && wanted.has(record.configuration_id)) found.push(record);
    });
  }
  return found;
}

/** Reads a task's records. A task that was killed before its first record has no such file. */
async function readTask(path: string, onRecord: (record: RunFileRecord) => void) {
  return readEachRecord(path, onRecord).catch((error: unknown) => {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return [];
    throw error;
  });
}

/**
 * Writes `records.jsonl` for a run that tasks measured and that is over, so that it can be read like any other; does nothing
 * for a run of one process. Throws FalconError `results-write-failed` and the reader's errors.
 */
export async function mergeTaskRecords(run: RunPaths): Promise<readonly RecordWarning[]> {
  if (!(await hasTasks(run))) return [];
  const merged = await readTasks(run);
  if (merged.end !== null) await writeResultPieces(run.records, listLines(run, merged));
  return merged.warnings;
}

async function* listLines(run: RunPaths, merged: MergedTasks): AsyncGenerator<string> {
  for await (const record of listMerged(run, merged)) yield `${appendChecksum(JSON.stringify(record))}\n`;
}
