import { ExitCode } from "../base/exit-codes.js";
import { writeReport } from "../render/write-report.js";
import { findRun } from "../run/find-run.js";
import { RunPaths } from "../run/paths.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";
import { printResult } from "./print-result.js";

export interface ReportArgs {
  readonly run: string;
  readonly results: string;
  readonly json: boolean;
}

/** `falcon-exp report`: draws a run again from its records alone. With `--json` prints summary.json. */
export async function run(io: CommandIo, args: ReportArgs): Promise<number> {
  const paths = new RunPaths(await findRun(args.run, args.results, io.cwd));
  const { summary, data, warnings } = await writeReport(paths);
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  if (args.json) printJson(io, summary);
  else await printResult(io, { data, summary, paths });
  return ExitCode.ok;
}
