/** A quick scan of `records.jsonl`: only the lines that a list needs are parsed. */
import { readChunks } from "../base/files.js";
import { parseJson } from "../base/json.js";
import { LineReader } from "../base/line-reader.js";
import { verifyChecksum } from "./checksummed-line.js";
import type { RunPaths } from "./paths.js";
import { listMerged, readTasks } from "./read-run-records.js";
import { RECORD_SCHEMA_VERSION } from "./record-types.js";
import { PROGRESS_KINDS, progressRecordSchema, RunProgress } from "./run-progress.js";
import type { SmallFiles } from "./small-files.js";
import { hasTasks } from "./task-folders.js";

/** The beginning of every line, so that lines of other kinds (they can be megabytes) need not be parsed. */
const HEAD = /^\{"schema_version":\d+,"run_id":"[^"\\]*","at":"([^"\\]*)","kind":"(\w+)"/;
const HEAD_BYTES = 300;
/** A `run_end` line is shorter than this. */
const TAIL_BYTES = 4096;

export interface ScannedRecords {
  readonly progress: RunProgress;
  /** 1-based numbers of lines that could not be used; an incomplete last line is not among them. */
  readonly damagedLines: readonly number[];
  /** A schema version newer than this falcon-exp reads; null if there is none. */
  readonly newerSchemaVersion: number | null;
}

/** Scans one file of records. Throws the file system's errors. */
export async function scanRecords(path: string): Promise<ScannedRecords> {
  const progress = new RunProgress();
  const damagedLines: number[] = [];
  let newerSchemaVersion: number | null = null;
  const lines = new LineReader((bytes, line, isEnded) => {
    const added = addLine(progress, bytes);
    if (added === "damaged" && isEnded) damagedLines.push(line);
    else if (typeof added === "number") newerSchemaVersion ??= added;
  });
  for await (const chunk of readChunks(path)) lines.push(chunk);
  lines.end();
  return { progress, damagedLines, newerSchemaVersion };
}

/**
 * Scans a run's records, whether one process or tasks wrote them. Throws the reader's FalconErrors and the file system's
 * errors.
 */
export async function scanRun(paths: RunPaths): Promise<ScannedRecords> {
  try {
    return await scanRecords(paths.records);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || !(await hasTasks(paths))) throw error;
  }
  const progress = new RunProgress();
  for await (const record of listMerged(paths, await readTasks(paths))) progress.addRecord(record);
  return { progress, damagedLines: [], newerSchemaVersion: null };
}

/** Adds a line. Returns its schema version if that is too new, else what became of the line. */
function addLine(progress: RunProgress, bytes: Buffer): "added" | "other" | "damaged" | number {
  const head = HEAD.exec(bytes.toString("latin1", 0, HEAD_BYTES));
  if (head !== null && !PROGRESS_KINDS.has(head[2] ?? "")) {
    progress.sawRecordAt(head[1] ?? "");
    return "other";
  }
  let value: unknown;
  try {
    const opened = verifyChecksum(bytes);
    if (opened.kind === "broken") return "damaged";
    const text = opened.json.toString("utf8");
    if (text.trim() === "") return "other";
    value = JSON.parse(text);
  } catch {
    return "damaged";
  }
  const version = Object(value).schema_version;
  if (typeof version === "number" && version > RECORD_SCHEMA_VERSION) return version;
  const checked = progressRecordSchema.safeParse(value);
  if (checked.success) progress.add(checked.data);
  else return PROGRESS_KINDS.has(Object(value).kind) ? "damaged" : "other";
  return "added";
}

export interface RecordedEnd {
  readonly status: string;
  readonly elapsed_sec: number;
}

/**
 * Reads the run's end if it is the very last line. Null if not: the run is in progress, was killed, or its end is damaged.
 * Throws the file system's errors.
 */
export async function readRunEnd(path: string, files: SmallFiles): Promise<RecordedEnd | null> {
  const text = (await files.part(path, "end", TAIL_BYTES)).toString("utf8");
  if (!text.endsWith("\n")) return null;
  const last = progressRecordSchema.safeParse(parseJson(text.trimEnd().split("\n").at(-1) ?? ""));
  return last.success && last.data.kind === "run_end" ? last.data : null;
}
