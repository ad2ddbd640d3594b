import { ExitCode } from "../base/exit-codes.js";
import { findRun } from "../run/find-run.js";
import { RunPaths } from "../run/paths.js";
import { drawAndPrint } from "./draw-and-print.js";
import type { CommandIo } from "./io.js";

export interface ReportArgs {
  readonly run: string;
  readonly results: string;
  readonly json: boolean;
}

/** `falcon-exp report`: draws a run again from its records alone. With `--json`, prints summary.json. */
export async function run(io: CommandIo, args: ReportArgs): Promise<number> {
  const paths = new RunPaths(await findRun(args.run, args.results, io.cwd));
  await drawAndPrint(io, paths, { json: args.json });
  return ExitCode.ok;
}
