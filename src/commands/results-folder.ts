import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

/** The results folder if none is named; it does not exist before the first run. */
export const USUAL_RESULTS = "results";

/** The absolute path of the results folder. Throws FalconError `results-not-found` if a folder that was named does not exist. */
export async function findResultsFolder(written: string, cwd: string): Promise<string> {
  const folder = resolve(cwd, written);
  const isThere = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isThere || written === USUAL_RESULTS) return folder;
  throw new FalconError({
    code: "results-not-found",
    message: `There is no folder ${folder}.`,
    next: "Give the folder that holds results, or leave it out for ./results.",
    exitCode: ExitCode.resultsFailed,
  });
}
