import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { RunPaths } from "../run/paths.js";

/** Whether the segment is a plain name, which cannot lead out of its folder. */
function isName(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && !/[/\\\0]/.test(segment);
}

/**
 * Returns the run under the results folder whose folders have these names; null if there is none. Nothing outside the results
 * folder is ever found: names that lead out of it are refused, and so is a path that contains a symbolic link.
 */
export async function servedRun(resultsFolder: string, names: readonly string[]): Promise<RunPaths | null> {
  if (!names.every(isName)) return null;
  try {
    const root = await realpath(resultsFolder);
    const folder = join(root, ...names);
    const paths = new RunPaths(folder);
    if ((await realpath(folder)) !== folder) return null;
    const isMeasuredByTasks = (await lstat(paths.tasks).catch(() => null))?.isDirectory() === true;
    return isMeasuredByTasks || (await lstat(paths.records)).isFile() ? paths : null;
  } catch {
    return null;
  }
}
