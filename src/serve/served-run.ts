import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { RunPaths } from "../run/paths.js";

/** A name that stays where it is put. */
function isName(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && !/[/\\\0]/.test(segment);
}

/**
 * The run under the results folder whose folders have these names; null where there is none. Nothing outside the folder is
 * ever found: names that climb are refused, and so is a path with a symbolic link in it.
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
