/**
 * Lists the runs under a results folder quickly, one entry each: from `summary.json` if it matches the end of the records, else
 * from a scan of `records.jsonl`. A run that cannot be read is an entry with the reason.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../base/clock.js";
import { mapConcurrent } from "../base/io.js";
import { ownProcessName, type ProcessName } from "../base/process-name.js";
import { RunPaths } from "./paths.js";
import type { ConfigurationStatus } from "./run-data.js";
import { runFolders } from "./run-folders.js";
import type { ConfigurationProgress } from "./run-progress.js";
import { type RecordedEnd, readRunEnd, scanRun } from "./scan-records.js";
import { SmallFiles } from "./small-files.js";
import { summaryOverviewSchema } from "./summary-overview.js";
import { hasTasks, isGoingOn } from "./task-folders.js";

/**
 * As in `run_end`; `running` while its controller writes; `killed` if the controller is gone and recorded no end; `damaged` if
 * the records do not even tell what was run.
 */
export type RunIndexStatus =
  | "completed"
  | "partly_failed"
  | "all_failed"
  | "interrupted"
  | "running"
  | "killed"
  | "damaged";

export interface IndexedConfiguration extends Omit<ConfigurationProgress, "status"> {
  readonly status: ConfigurationStatus | "running";
}

export interface RunIndexEntry {
  /** Absolute. */
  readonly folder: string;
  /** Relative to the results folder, with `/` between names, as `findRun` takes it. */
  readonly path: string;
  readonly experiment: string;
  readonly run_id: string;
  readonly status: RunIndexStatus;
  /** What is wrong with the records; null if nothing is. */
  readonly problem: string | null;
  /** UTC, ISO 8601. */
  readonly started_at: string | null;
  /** Seconds; for a run without an end, up to its last record. */
  readonly elapsed_sec: number | null;
  readonly model_name: string | null;
  readonly trials_planned: number | null;
  readonly trials_completed: number | null;
  readonly trials_failed: number | null;
  readonly configurations: readonly IndexedConfiguration[];
  /** Whether summary.json was made from exactly these records. */
  readonly has_current_summary: boolean;
}

export interface RunIndexOptions {
  /** The results folder, absolute. A missing one counts as empty. */
  readonly folder: string;
  /** Limits the list to runs of the experiment with this name. */
  readonly experiment?: string;
  /** Entries of earlier calls for this folder; updated, so that only what changed is read again. */
  readonly known?: Map<string, KnownRun>;
  /**
   * Called with each current summary.json, parsed, so that a caller that needs more of it than the index keeps need not read it
   * again.
   */
  readonly onSummary?: ((entry: RunIndexEntry, summary: unknown) => void) | undefined;
  /** Called with each folder that may not be read, relative to the results folder. */
  readonly onUnreadable?: (path: string) => void;
  /** Passed in by a caller that reads more files from the same disk. */
  readonly files?: SmallFiles;
}

export interface KnownRun {
  readonly stamp: string;
  readonly entry: RunIndexEntry;
}

/** Files are opened concurrently, so that a network drive's delays do not add up; with more, file descriptors would run out. */
const CONCURRENCY = 32;

/** Lists the runs, newest first. Throws FalconError `results-not-found` if the folder exists and cannot be read. */
export async function indexRuns({
  folder,
  experiment,
  known,
  onSummary,
  onUnreadable,
  files = new SmallFiles(systemClock),
}: RunIndexOptions): Promise<RunIndexEntry[]> {
  const self = await ownProcessName();
  const entries = await mapConcurrent(await runFolders(folder, onUnreadable), CONCURRENCY, async (path) => {
    if (known === undefined) return indexRun(folder, path, { self, files, onSummary });
    const stamp = await readStamp(new RunPaths(join(folder, path)));
    const before = known.get(path);
    // These files do not show whether a run is still in progress.
    if (before?.stamp === stamp && before.entry.status !== "running") return before.entry;
    const entry = await indexRun(folder, path, { self, files, onSummary });
    known.set(path, { stamp, entry });
    return entry;
  });
  return entries
    .filter((entry) => experiment === undefined || entry.experiment === experiment)
    .sort((a, b) => ageKey(b).localeCompare(ageKey(a), "en") || a.path.localeCompare(b.path, "en"));
}

/** Changes whenever the run's records or summary do. */
async function readStamp(paths: RunPaths): Promise<string> {
  const stamps = await Promise.all(
    [paths.records, paths.summary].map((path) =>
      stat(path).then(
        ({ size, mtimeMs, ino }) => `${size} ${mtimeMs} ${ino}`,
        () => "none",
      ),
    ),
  );
  return stamps.join(" ");
}

const RUN_STAMP_LENGTH = "20261124T023746Z".length;

/** Returns a text that sorts by age. Run ids begin with the time; a run whose folder was renamed sorts by when it began. */
export function ageKey({ started_at, run_id }: RunIndexEntry): string {
  const begun =
    started_at === null ? run_id.slice(0, RUN_STAMP_LENGTH) : started_at.replaceAll(/[-:]|\.\d+/g, "");
  return begun + run_id;
}

interface Indexing extends Pick<RunIndexOptions, "onSummary"> {
  /** This process. */
  readonly self: ProcessName;
  readonly files: SmallFiles;
}

/**
 * Indexes one run; `path` is relative to `root`. If the run cannot be read, the reason becomes the entry's `problem` instead of
 * being thrown.
 */
async function indexRun(
  root: string,
  path: string,
  { self, files, onSummary }: Indexing,
): Promise<RunIndexEntry> {
  const paths = new RunPaths(join(root, path));
  try {
    const end = await readEnd(paths, files);
    const json = end === null ? undefined : await files.json(paths.summary);
    const told = summaryOverviewSchema.safeParse(json).data;
    if (
      told !== undefined &&
      told.status === end?.status &&
      told.elapsed_sec === end.elapsed_sec &&
      (await isOlder(paths.records, paths.summary))
    ) {
      const { record_problems, ...summary } = told;
      const problem = record_problems.length === 0 ? null : record_problems.join("; ");
      const entry = { folder: paths.folder, path, problem, ...summary, has_current_summary: true };
      onSummary?.(entry, json);
      return entry;
    }
    return await scanned(paths, path, self);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return damaged(paths, path, code === "ENOENT" ? "it has no records.jsonl" : (error as Error).message);
  }
}

/**
 * Whether the records are unchanged since the summary was written. If a copy mixed up the file times, the records are read
 * again.
 */
async function isOlder(records: string, summary: string): Promise<boolean> {
  const [one, other] = await Promise.all([stat(records), stat(summary)]);
  return one.mtimeMs <= other.mtimeMs;
}

/** Reads the run's recorded end. Also null if tasks measure the run and their records have not been merged yet. */
async function readEnd(paths: RunPaths, files: SmallFiles): Promise<RecordedEnd | null> {
  return readRunEnd(paths.records, files).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && (await hasTasks(paths))) return null;
    throw error;
  });
}

async function scanned(paths: RunPaths, path: string, self: ProcessName): Promise<RunIndexEntry> {
  const { progress, damagedLines, newerSchemaVersion } = await scanRun(paths);
  if (newerSchemaVersion !== null) {
    return damaged(paths, path, `a newer falcon-exp wrote it (schema version ${newerSchemaVersion})`);
  }
  const { run, end } = progress;
  const isAlive = end === null && (await isGoingOn(paths, self));
  if (run === null) {
    return isAlive
      ? { ...damaged(paths, path, "nothing is recorded yet"), status: "running" }
      : damaged(paths, path, "no record says what was to be measured");
  }
  const configurations = progress.configurations().map((one) => ({
    ...one,
    status: one.status === "interrupted" && isAlive ? ("running" as const) : one.status,
  }));
  const total = (key: "trials_completed" | "trials_failed") =>
    configurations.reduce((sum, one) => sum + one[key], 0);
  return {
    folder: paths.folder,
    path,
    experiment: run.plan.experiment,
    run_id: run.run_id,
    // Its tasks have not begun yet, or were cut off: which of the two cannot be told from here.
    status: end?.status ?? (isAlive ? "running" : (await hasTasks(paths)) ? "interrupted" : "killed"),
    problem: describeProblems(damagedLines, progress.findGaps()),
    started_at: run.at,
    elapsed_sec: progress.elapsedSec,
    model_name: run.plan.model_name,
    trials_planned: configurations.reduce((sum, one) => sum + one.trials_planned, 0),
    trials_completed: total("trials_completed"),
    trials_failed: total("trials_failed"),
    configurations,
    has_current_summary: false,
  };
}

function describeProblems(damagedLines: readonly number[], gaps: readonly string[]): string | null {
  const all = [...(damagedLines.length === 0 ? [] : [damageText(damagedLines)]), ...gaps];
  return all.length === 0 ? null : all.join("; ");
}

function damageText(lines: readonly number[]): string {
  const shown = lines.slice(0, 5).join(", ");
  return `damaged in line ${shown}${lines.length > 5 ? ` and ${lines.length - 5} more` : ""}`;
}

function damaged(paths: RunPaths, path: string, problem: string): RunIndexEntry {
  return {
    folder: paths.folder,
    path,
    experiment: path.split("/").at(-2) ?? "",
    run_id: paths.runId,
    status: "damaged",
    problem,
    started_at: null,
    elapsed_sec: null,
    model_name: null,
    trials_planned: null,
    trials_completed: null,
    trials_failed: null,
    configurations: [],
    has_current_summary: false,
  };
}
