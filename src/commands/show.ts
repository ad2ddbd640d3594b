import { ExitCode } from "../base/exit-codes.js";
import { answersText } from "../render/terminal/answers-terminal.js";
import type { PictureKind } from "../render/terminal/picture/picture-kind.js";
import { writeSummary } from "../render/words/summary.js";
import { findRun } from "../run/find-run.js";
import { RunPaths } from "../run/paths.js";
import { describeRecordWarning } from "../run/reader.js";
import { readRun } from "../run/run-data.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";
import { printResult } from "./print-result.js";

export interface ShowArgs {
  readonly run: string;
  readonly results: string;
  readonly picture: PictureKind | "auto";
  /** Print every answer first. */
  readonly answers: boolean;
  readonly json: boolean;
}

/** `falcon-exp show`: prints a run's table, verdicts and picture at the terminal, from its records alone; writes no files. */
export async function run(io: CommandIo, args: ShowArgs): Promise<number> {
  const paths = new RunPaths(await findRun(args.run, args.results, io.cwd));
  const { data, warnings } = await readRun(paths.folder);
  for (const warning of warnings) io.stderr.write(`warning: ${describeRecordWarning(warning)}\n`);
  const summary = writeSummary(data);
  if (args.json) printJson(io, summary);
  else {
    if (args.answers) io.stdout.write(`${answersText(data, io)}\n\n`);
    await printResult(io, { data, summary, paths }, args.picture);
  }
  return ExitCode.ok;
}
