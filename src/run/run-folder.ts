import type { Clock } from "../base/clock.js";
import { makeFolders } from "../base/files.js";
import { writeWholeFile } from "../base/io.js";
import { ownProcessName } from "../base/process-name.js";
import { FileLog } from "./file-log.js";
import { RunPaths } from "./paths.js";
import { lockRun, ownerText } from "./run-lock.js";
import { RecordWriter, writeFailed } from "./writer.js";

/** A run's folder, ready to be written to. */
export interface RunFolder {
  readonly paths: RunPaths;
  readonly records: RecordWriter;
  readonly log: FileLog;
  close(): Promise<void>;
}

export interface RunFolderOptions {
  readonly resultsFolder: string;
  readonly experiment: string;
  readonly runId: string;
  /** The experiment file as given. */
  readonly experimentText: string;
  /** The frozen plan, as it is written to plan.jsonl. */
  readonly planText: string;
  readonly clock: Clock;
}

/**
 * Creates the folder with experiment and plan in it, and opens records and log, before anything is measured: a full disk or a
 * read-only folder must show now, not after the first trial. Throws `results-write-failed`.
 */
export async function openRunFolder(options: RunFolderOptions): Promise<RunFolder> {
  const paths = RunPaths.of(options.resultsFolder, options.experiment, options.runId);
  try {
    await makeFolders(paths.folder);
    await writeWholeFile(paths.experiment, options.experimentText);
    await writeWholeFile(paths.plan, options.planText);
  } catch (cause) {
    throw writeFailed(paths.folder, cause);
  }
  return await openLocked(paths, options.clock, { resume: false });
}

/**
 * Opens the folder of an earlier run to resume it; a record that was cut off stays on a line of its own. Throws
 * `results-locked` if another process writes into it, and `results-write-failed`.
 */
export function reopenRunFolder(paths: RunPaths, clock: Clock): Promise<RunFolder> {
  return openLocked(paths, clock, { resume: true });
}

/** Opens the folder of a task, which was just created. Throws `results-write-failed`. */
export function openTaskFolder(paths: RunPaths, clock: Clock): Promise<RunFolder> {
  return openLocked(paths, clock, { resume: false });
}

async function openLocked(
  paths: RunPaths,
  clock: Clock,
  options: { readonly resume: boolean },
): Promise<RunFolder> {
  const lock = await lockRun(paths.folder, await ownProcessName(), clock);
  try {
    const records = await RecordWriter.open(paths.records, options);
    const log = FileLog.open(paths.log, clock);
    if (lock.takenOverFrom !== null) {
      const message = `the run's lock was left by ${ownerText(lock.takenOverFrom)}, which is gone`;
      log.write("warning", "lock-taken-over", { message, owner: lock.takenOverFrom });
    }
    return {
      paths,
      records,
      log,
      close: async () => {
        log.close();
        await records.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
