/** `run --on-regression`: calls a program of the user's own if a run is worse than allowed. */
import { execa, parseCommandString } from "execa";
import { type FailCondition, parseFailCondition } from "../analysis/history/fail-on.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { RunPaths } from "../run/paths.js";
import type { CommandIo } from "./io.js";

/** Throws FalconError `fail-on-invalid`, and `usage-invalid` if there is no condition that could ever call the program. */
export function readConditions(args: {
  readonly failOn: readonly string[];
  readonly onRegression?: string;
}): readonly FailCondition[] {
  if (args.onRegression === undefined || args.failOn.length > 0) return args.failOn.map(parseFailCondition);
  throw new FalconError({
    code: "usage-invalid",
    message: "--on-regression needs a --fail-on condition.",
    next: "Add one: --fail-on 'decode_tokens_per_sec<-5%'.",
    exitCode: ExitCode.usage,
  });
}

/** Splits the command at spaces and runs it without a shell. If it fails, a warning says so, and nothing else changes. */
export async function callRegressionHook(
  io: CommandIo,
  command: string,
  { folder, summary }: RunPaths,
): Promise<void> {
  const [file = "", ...args] = parseCommandString(command);
  const result = await execa(file, args, {
    cwd: io.cwd,
    reject: false,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { FALCON_EXP_RUN: folder, FALCON_EXP_SUMMARY: summary },
  });
  for (const text of [result.stdout, result.stderr]) if (text !== "") io.stderr.write(`${text}\n`);
  if (result.failed) io.stderr.write(`warning: --on-regression: ${result.shortMessage}\n`);
}
