/** A run's records, whoever wrote them: one process, or tasks on several machines. */
import { FalconError } from "../base/errors.js";
import { mapConcurrent } from "../base/io.js";
import { appendChecksum } from "./checksummed-line.js";
import { readPlan } from "./earlier-run.js";
import { type MergedTasks, mergeTasks } from "./merge-tasks.js";
import type { RunPaths } from "./paths.js";
import { type RecordFile, type RecordWarning, readRecords } from "./reader.js";
import { writeResultFile } from "./result-file.js";
import { hasTasks, listTasks } from "./task-folders.js";

const CONCURRENCY = 8;

export interface ReadTasks extends MergedTasks {
  /** Of damaged lines, and of what was measured twice. */
  readonly warnings: readonly RecordWarning[];
}

/** `records.jsonl`; where tasks measure the run and it is not over, their records merged. Throws the readers' FalconErrors. */
export async function readRunRecords(paths: RunPaths): Promise<RecordFile> {
  try {
    return await readRecords(paths.records);
  } catch (error) {
    const isMissing = error instanceof FalconError && error.code === "results-not-found";
    if (!isMissing || !(await hasTasks(paths))) throw error;
    return await readTasks(paths);
  }
}

/** Throws FalconError `resume-plan-unreadable` and the reader's. */
export async function readTasks(run: RunPaths): Promise<ReadTasks> {
  const plan = await readPlan(run);
  const warnings: RecordWarning[] = [];
  const tasks = await mapConcurrent(await listTasks(run), CONCURRENCY, async ({ records, runId: name }) => {
    const read = await readRecords(records).catch((error: unknown) => {
      // A task that was killed before its first record has no such file.
      if (error instanceof FalconError && error.code === "results-not-found")
        return { records: [], warnings: [] };
      throw error;
    });
    const file = `tasks/${name}/records.jsonl`;
    warnings.push(...read.warnings.map((warning) => ({ ...warning, file })));
    return { name, records: read.records };
  });
  const merged = mergeTasks(plan, run.runId, tasks);
  return { ...merged, warnings: [...warnings, ...merged.notes.map((message) => ({ line: null, message }))] };
}

/**
 * Of a run that is measured by tasks and over, makes `records.jsonl`, so that it reads like any other; nothing for one process's run.
 * Throws FalconError `results-write-failed` and the reader's.
 */
export async function mergeTaskRecords(run: RunPaths): Promise<readonly RecordWarning[]> {
  if (!(await hasTasks(run))) return [];
  const { records, warnings } = await readTasks(run);
  if (records.at(-1)?.kind === "run_end") {
    const lines = records.map((record) => Buffer.from(`${appendChecksum(JSON.stringify(record))}\n`));
    await writeResultFile(run.records, Buffer.concat(lines));
  }
  return warnings;
}
