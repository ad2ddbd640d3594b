/** Which folders under a results folder are runs. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { RECORDS_FILE } from "./paths.js";
import { isRunId } from "./run-id.js";

/** Deep enough for `results/<experiment>/<run-id>` and for folders above it in which people sort their results. */
const DEEPEST = 5;

/**
 * Finds the folders of runs, relative to `folder` with `/` between names: those that are named like a run, and those that hold
 * records. Symbolic links are not followed, so nothing outside is listed and no cycle is walked. A folder that may not be read
 * is left out and passed to `onUnreadable`. Throws FalconError `results-not-found` if `folder` itself exists and cannot be
 * read; a missing one counts as empty.
 */
export async function runFolders(
  folder: string,
  onUnreadable: (path: string) => void = () => {},
): Promise<readonly string[]> {
  const found: string[] = [];
  await collect(folder, [], found, onUnreadable);
  return found.sort();
}

async function collect(
  root: string,
  names: readonly string[],
  found: string[],
  onUnreadable: (path: string) => void,
): Promise<void> {
  const isRoot = names.length === 0;
  const entries = await listEntries(join(root, ...names), isRoot, () => onUnreadable(names.join("/")));
  const hasFile = (name: string) => entries.some((entry) => entry.name === name && entry.isFile());
  const hasTasks = entries.some((entry) => entry.name === "tasks" && entry.isDirectory());
  if (names.length > 0 && (hasFile(RECORDS_FILE) || (hasTasks && hasFile("plan.jsonl")))) {
    found.push(names.join("/"));
    return;
  }
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  for (const { name } of folders) {
    const path = [...names, name];
    // A run is recognized by its name, so thousands of runs need not be opened to be found.
    if (isRunId(name)) found.push(path.join("/"));
    else if (path.length < DEEPEST) await collect(root, path, found, onUnreadable);
  }
}

async function listEntries(path: string, isRoot: boolean, onUnreadable: () => void) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    if (!isRoot) {
      onUnreadable();
      return [];
    }
    throw new FalconError({
      code: "results-not-found",
      message: `Could not read ${path}: ${(cause as Error).message}`,
      next: "Give the folder that holds results: --results FOLDER.",
      exitCode: ExitCode.resultsFailed,
      cause,
    });
  }
}
