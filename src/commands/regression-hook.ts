/** `run --on-regression`: a program of the user's own, told of a run that is worse than allowed. */
import { execa, parseCommandString } from "execa";
import type { RunPaths } from "../run/paths.js";
import type { CommandIo } from "./io.js";

/** Its words are split at spaces, and no shell reads them. What goes wrong with it is told, and changes nothing else. */
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
  io.stderr.write(`${[result.stdout, result.stderr].filter((text) => text !== "").join("\n")}\n`);
  if (result.failed) io.stderr.write(`warning: --on-regression: ${result.shortMessage}\n`);
}
