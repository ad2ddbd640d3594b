import type { z } from "zod";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { readChunks } from "../base/files.js";
import { parseJson } from "../base/json.js";
import { LineReader } from "../base/line-reader.js";
import { splitAtChecksums, verifyChecksum } from "./checksummed-line.js";
import { RECORDS_FILE } from "./paths.js";
import { RECORD_SCHEMA_VERSION, type RunFileRecord, recordSchema } from "./record-types.js";
import { Sharing } from "./sharing.js";

/** Something in the file that could not be used. The rest of the file still counts. */
export interface RecordWarning {
  /** 1-based; null if it concerns no single line. */
  readonly line: number | null;
  readonly message: string;
  /** Path within the run's folder, if it is not records.jsonl. */
  readonly file?: string;
}

/** `records.jsonl:12: the last line is torn: left out`. */
export function describeRecordWarning({ line, message, file = RECORDS_FILE }: RecordWarning): string {
  return line === null ? message : `${file}:${line}: ${message}`;
}

export interface RecordFile {
  readonly records: readonly RunFileRecord[];
  readonly warnings: readonly RecordWarning[];
}

/**
 * Reads `records.jsonl`. A last line that was cut off by a kill, and a damaged line anywhere (each has a checksum), are
 * warnings: what was measured before and after is kept. A line from a newer falcon-exp is an error, because guessing its
 * meaning could give wrong figures.
 */
export async function readRecords(path: string): Promise<RecordFile> {
  const records: RunFileRecord[] = [];
  // Repeats of a prompt mostly give the same answer, so each text is kept in memory only once.
  const sharing = new Sharing();
  const warnings = await readEachRecord(path, (record) => void records.push(sharing.share(record)));
  return { records, warnings };
}

/** Reads the same file record by record, so that it need not fit into memory. Throws as `readRecords` does. */
export async function readEachRecord(
  path: string,
  onRecord: (record: RunFileRecord) => void,
): Promise<readonly RecordWarning[]> {
  const parser = new RecordParser(path, onRecord);
  try {
    for await (const chunk of readChunks(path)) parser.push(chunk);
  } catch (cause) {
    if (cause instanceof FalconError) throw cause;
    throw new FalconError({
      code: "results-not-found",
      message: `Could not read ${path}: ${(cause as Error).message}`,
      next: "Give the folder of a run: results/<experiment>/<run-id>.",
      exitCode: ExitCode.resultsFailed,
      cause,
    });
  }
  return parser.end();
}

/** The parsing half of `readRecords`; `source` names the file in errors. */
export function parseRecords(content: Buffer, source: string): RecordFile {
  const records: RunFileRecord[] = [];
  const parser = new RecordParser(source, (record) => void records.push(record));
  parser.push(content);
  return { records, warnings: parser.end() };
}

/** Parses a file that arrives in pieces. */
class RecordParser {
  private readonly warnings: RecordWarning[] = [];
  private readonly lines: LineReader;

  constructor(source: string, onRecord: (record: RunFileRecord) => void) {
    this.lines = new LineReader((bytes, line, isEnded) => {
      for (const { record, problem } of parseLine(bytes, `${source}:${line}`)) {
        if (record !== null) onRecord(record);
        else if (problem !== null) {
          this.warnings.push({ line, message: `${isEnded ? problem : TORN}: left out` });
        }
      }
    });
  }

  push(piece: Buffer): void {
    this.lines.push(piece);
  }

  end(): readonly RecordWarning[] {
    this.lines.end();
    return this.warnings;
  }
}

const TORN = "the last line is torn (the run was killed while writing it)";

interface ParsedLine {
  readonly record: RunFileRecord | null;
  /** Null for a blank line. */
  readonly problem: string | null;
}

/**
 * Parses one line after verifying only its checksum, for callers that have already validated its content. Undefined if it is
 * damaged or blank.
 */
export function openRecordLine(bytes: Buffer): unknown {
  const opened = verifyChecksum(bytes);
  return opened.kind === "broken" ? undefined : parseJson(decodeUtf8(opened.json) ?? "");
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Null if it is not UTF-8. */
function decodeUtf8(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

const MAX_PROBLEM_CHARACTERS = 300;

/** Parses a line into one record, or into several if the end of a line was damaged, so that two lines look like one. */
function parseLine(bytes: Buffer, place: string): readonly ParsedLine[] {
  const whole = parseRecord(bytes, place);
  if (whole.problem === null) return [whole];
  return splitAtChecksums(bytes).map((piece) => parseRecord(piece, place));
}

function parseRecord(bytes: Buffer, place: string): ParsedLine {
  const opened = verifyChecksum(bytes);
  if (opened.kind === "broken") return { record: null, problem: "its checksum does not match (damaged)" };
  const text = decodeUtf8(opened.json);
  if (text?.trim() === "") return { record: null, problem: null };
  const value = parseJson(text ?? "");
  if (value === undefined) {
    return { record: null, problem: "not a complete JSON object in UTF-8 (cut off or damaged)" };
  }
  refuseNewer(value, place);
  const checked = recordSchema.safeParse(value);
  if (checked.success) return { record: checked.data, problem: null };
  const reason = describeIssue(checked.error).slice(0, MAX_PROBLEM_CHARACTERS);
  return { record: null, problem: `breaks the record schema: ${reason}` };
}

/** The first thing that is wrong, and where: `measurement.elapsed_sec: expected number, received string`. */
function describeIssue({ issues: [first, ...others] }: z.ZodError): string {
  const where = first?.path.join(".") ?? "";
  const what = (first?.message ?? "unreadable").replace(/^Invalid (input|option): /, "");
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return `${where === "" ? "" : `${where}: `}${what}${more}`;
}

/**
 * Throws FalconError `results-schema-newer` for a line of a later version, because guessing its meaning could give wrong
 * figures.
 */
function refuseNewer(line: unknown, place: string): void {
  const version = Object(line).schema_version;
  if (typeof version !== "number" || version <= RECORD_SCHEMA_VERSION) return;
  throw new FalconError({
    code: "results-schema-newer",
    message: `${place} has schema version ${version}; this falcon-exp reads up to ${RECORD_SCHEMA_VERSION}.`,
    next: "Update falcon-exp, or read the run with the version that made it (the first line names it).",
    exitCode: ExitCode.resultsFailed,
  });
}
