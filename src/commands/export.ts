import { resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { writeWholeFile } from "../base/io.js";
import { safeLine } from "../base/text.js";
import { exporter } from "../render/export/exporter.js";
import type { DocumentFormat } from "../render/export/formats.js";
import { findRuns } from "../run/find-runs.js";
import { describeRecordWarning } from "../run/reader.js";
import { readRun } from "../run/run-data.js";
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

/** `falcon-exp export`: runs into one file for other programs, or into MLflow. Reads records alone. */
export async function run(io: CommandIo, args: ExportArgs): Promise<number> {
  const { to, all, output } = args;
  if (to === "parquet" && output === "-" && io.stdoutIsTty) {
    throw new FalconError({
      code: "export-needs-file",
      message: "Parquet is no text that a terminal could show.",
      next: "Name a file: --output trials.parquet.",
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
  if (output === "-") io.stdout.write(content());
  else await writeDocument(resolve(io.cwd, output), content());
  return ExitCode.ok;
}

/** Whole, then renamed: a program that reads it meanwhile never sees half of it. */
async function writeDocument(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeWholeFile(path, content);
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
