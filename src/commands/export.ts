import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { writeWholeFile, writeWholeFileOf } from "../base/io.js";
import { safeLine, safeLines } from "../base/text.js";
import type { FileContent, FolderContent, Pieces } from "../render/export/document.js";
import { exporter } from "../render/export/exporter.js";
import { type DocumentFormat, isFolderFormat } from "../render/export/formats.js";
import { findRuns } from "../run/find-runs.js";
import { describeRecordWarning } from "../run/reader.js";
import { readRun } from "../run/run-data.js";
import { csvFilePieces } from "../run/table/csv.js";
import type { CommandIo } from "./io.js";

export interface ExportArgs {
  readonly runs: readonly string[];
  readonly to: DocumentFormat | "mlflow";
  readonly all: boolean;
  readonly results: string;
  /** `-` is stdout. */
  readonly output: string;
  readonly python?: string;
  readonly trackingUri?: string;
  readonly mlflowExperiment?: string;
}

/** `falcon-exp export`: writes runs into one file or folder for other programs, or into MLflow. Reads only the records. */
export async function run(io: CommandIo, args: ExportArgs): Promise<number> {
  const { to, all, output } = args;
  if (to === "parquet" && output === "-" && io.stdoutIsTty) {
    throw new FalconError({
      code: "export-needs-file",
      message: "Parquet cannot be shown in a terminal.",
      next: "Name a file: --output trials.parquet.",
      exitCode: ExitCode.usage,
    });
  }
  if (isFolderFormat(to) && output === "-") {
    throw new FalconError({
      code: "export-needs-folder",
      message: `${to} consists of several files.`,
      next: `Name a folder for them: --output ${to}.`,
      exitCode: ExitCode.usage,
    });
  }
  const named = { names: args.runs, all, resultsFolder: args.results, cwd: io.cwd };
  const { folders, leftOut } = await findRuns(named);
  for (const sentence of leftOut) io.stderr.write(`warning: ${safeLine(sentence)}\n`);
  if (to === "mlflow") return (await import("./export-mlflow.js")).exportToMlflow(io, folders, args);
  const { add, content } = exporter(to);
  for (const folder of folders) {
    const { data, warnings } = await readRun(folder);
    for (const warning of warnings)
      io.stderr.write(`warning: ${safeLine(describeRecordWarning({ file: folder, ...warning }))}\n`);
    add(data);
  }
  const document = content();
  if (isFolder(document)) await writeFolder(io, output, document);
  else if (output === "-") print(io, document);
  // Only a file gets the byte-order mark: the reader of a pipe would take it for a part of the first column's name.
  else await writeDocument(resolve(io.cwd, output), to === "csv" ? withMark(document) : document);
  return ExitCode.ok;
}

function isFolder(content: FileContent | FolderContent): content is FolderContent {
  return typeof content === "object" && "files" in content;
}

function isInPieces(content: FileContent): content is Pieces {
  return typeof content === "object" && "pieces" in content;
}

function withMark(content: FileContent): FileContent {
  return isInPieces(content) ? { pieces: csvFilePieces(content.pieces) } : content;
}

/** Waits until the reader has taken everything, because Node writes to files, pipes and terminals synchronously. */
function print({ stdout }: CommandIo, document: FileContent): void {
  for (const piece of isInPieces(document) ? document.pieces : [document]) stdout.write(piece);
}

/** Writes the files of a folder, and explains on stderr what to do with them. */
async function writeFolder(io: CommandIo, output: string, { files, explain }: FolderContent): Promise<void> {
  const folder = resolve(io.cwd, output);
  await attempt(folder, () => mkdir(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeDocument(join(folder, name), content);
  const lines = [`Wrote ${Object.keys(files).join(", ")} into ${output}.`, ...explain(quoteForShell(output))];
  io.stderr.write(`${lines.map(safeLines).join("\n")}\n`);
}

function quoteForShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Writes the whole file, then renames it, so that a program that reads it meanwhile never sees half of it. */
function writeDocument(path: string, content: FileContent): Promise<void> {
  return attempt(path, () =>
    isInPieces(content) ? writeWholeFileOf(path, content.pieces) : writeWholeFile(path, content),
  );
}

async function attempt(path: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    throw new FalconError({
      code: "export-write-failed",
      message: `Could not write ${path}: ${(cause as Error).message}`,
      next: "Check that its folder exists, may be written to, and has room.",
      exitCode: ExitCode.resultsFailed,
      cause,
    });
  }
}
