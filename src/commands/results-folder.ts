import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

/** Where results lie when nobody says otherwise: not there before the first run. */
export const USUAL_RESULTS = "results";

/** Absolute. Throws FalconError `results-not-found` where a folder that somebody named is not there. */
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
