import { ExitCode } from "../base/exit-codes.js";
import { resultTable } from "../report/terminal-table.js";
import { writeReport } from "../report/write-report.js";
import { findRun } from "../results/find-run.js";
import { RunPaths } from "../results/paths.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export interface ReportArgs {
  readonly run: string;
  readonly results: string;
  readonly json: boolean;
}

/** `falcon-exp report`: draws a run again from its records alone. With `--json` prints summary.json. */
export async function run(io: CommandIo, args: ReportArgs): Promise<number> {
  const folder = await findRun(args.run, args.results, io.cwd);
  const { summary, warnings } = await writeReport(new RunPaths(folder));
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  if (args.json) printJson(io, summary);
  else io.stdout.write(`${resultTable(summary, io)}\n\nResults: ${folder}\n`);
  return ExitCode.ok;
}
