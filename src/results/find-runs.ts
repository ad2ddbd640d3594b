import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { findRun } from "./find-run.js";
import { RunPaths } from "./paths.js";
import { runFolders } from "./run-folders.js";

export interface FindRunsOptions {
  /** Each a run as `findRun` takes it; with `all` an experiment's name or a folder of runs, or none for the whole folder. */
  readonly names: readonly string[];
  /** Every run of what is named, not its newest. */
  readonly all: boolean;
  readonly resultsFolder: string;
  readonly cwd: string;
}

/** The folders of the runs that a person means, each once, in the order named. Throws `run-not-found`, `run-not-named`. */
export async function findRuns(options: FindRunsOptions): Promise<readonly string[]> {
  const { all, resultsFolder, cwd } = options;
  const names = all && options.names.length === 0 ? [resolve(cwd, resultsFolder)] : options.names;
  if (names.length === 0) {
    throw new FalconError({
      code: "run-not-named",
      message: "No run was named.",
      next: "Name a run or an experiment (its newest run is taken), or take every run with --all.",
      exitCode: ExitCode.usage,
    });
  }
  const found = new Set<string>();
  for (const name of names) {
    const every = all ? await runsUnder([resolve(cwd, name), resolve(cwd, resultsFolder, name)]) : [];
    // Nothing beneath: it may be a run itself, and if not, `findRun` says what there is.
    const folders = every.length > 0 ? every : [await findRun(name, resultsFolder, cwd)];
    for (const folder of folders) found.add(folder);
  }
  return [...found];
}

/** Of the first folder that has any; what was killed before its first record is no run. */
async function runsUnder(candidates: readonly string[]): Promise<readonly string[]> {
  for (const folder of candidates) {
    const paths = (await runFolders(folder)).map((path) => join(folder, path));
    const readable = await Promise.all(paths.map((path) => exists(new RunPaths(path).records)));
    const runs = paths.filter((_, index) => readable[index]);
    if (runs.length > 0) return runs;
  }
  return [];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
