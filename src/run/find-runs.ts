import { resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { findRun } from "./find-run.js";
import { indexRuns } from "./run-index.js";

export interface FindRunsOptions {
  /**
   * Each names a run as `findRun` takes it; with `all`, an experiment or a folder of runs, or none for the whole results
   * folder.
   */
  readonly names: readonly string[];
  /** Whether to find every run of what is named, not only its newest. */
  readonly all: boolean;
  readonly resultsFolder: string;
  readonly cwd: string;
}

export interface FoundRuns {
  /** Each folder once, in the order named; oldest first if one name stands for several. */
  readonly folders: readonly string[];
  /** If a name stands for several runs: those in which nothing is readable, each as a sentence with the reason. */
  readonly leftOut: readonly string[];
}

/** Finds the runs that the options name. Throws `run-not-found`, `run-not-named`. */
export async function findRuns(options: FindRunsOptions): Promise<FoundRuns> {
  const { all, resultsFolder, cwd } = options;
  const names = all && options.names.length === 0 ? [resolve(cwd, resultsFolder)] : options.names;
  if (names.length === 0) {
    throw new FalconError({
      code: "run-not-named",
      message: "No run was named.",
      next: "Name a run or an experiment (for its newest run), or use --all for every run.",
      exitCode: ExitCode.usage,
    });
  }
  const folders = new Set<string>();
  const leftOut = new Set<string>();
  for (const name of names) {
    const every = all ? await runsUnder([resolve(cwd, name), resolve(cwd, resultsFolder, name)]) : null;
    // There are no runs below it: it may be a run itself, and if not, `findRun` says what there is.
    const found = every ?? { folders: [await findRun(name, resultsFolder, cwd)], leftOut: [] };
    for (const folder of found.folders) folders.add(folder);
    for (const sentence of found.leftOut) leftOut.add(sentence);
  }
  return { folders: [...folders], leftOut: [...leftOut] };
}

/** Finds the runs under the first of `candidates` that has any readable ones; null if none has. */
async function runsUnder(candidates: readonly string[]): Promise<FoundRuns | null> {
  for (const candidate of candidates) {
    const entries = (await indexRuns({ folder: candidate })).toReversed();
    const readable = entries.filter(({ started_at }) => started_at !== null);
    if (readable.length === 0) continue;
    const others = entries.filter(({ started_at }) => started_at === null);
    return {
      folders: readable.map(({ folder }) => folder),
      leftOut: others.map(({ folder, problem }) => `${folder} is left out: ${problem}`),
    };
  }
  return null;
}
