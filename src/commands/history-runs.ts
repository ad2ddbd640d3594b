/** Finds the runs that `history` is about. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type SummaryValues, summaryValuesSchema } from "../analysis/history/run-values.js";
import { didYouMean } from "../base/did-you-mean.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { loadExperiment } from "../experiment/load.js";
import { indexRuns, type RunIndexEntry } from "../run/run-index.js";
import type { SmallFiles } from "../run/small-files.js";

export interface HistoryRuns {
  readonly experiment: string;
  /** Newest first. */
  readonly entries: readonly RunIndexEntry[];
  /** The values that history uses from each run's summary, by the run's folder; only of runs whose summary is current. */
  readonly summaries: ReadonlyMap<string, SummaryValues>;
  /** The folder that holds the experiment's runs. */
  readonly folder: string;
}

/**
 * `argument` is an experiment file, an experiment's name, or a folder that holds runs of one experiment. For the first two, only
 * runs at `<results>/<experiment>/<run-id>` count, because copies from other machines are kept in folders of their own.
 * Throws FalconError `history-no-runs`, and the errors of a wrong experiment file.
 */
export async function historyRuns(
  argument: string,
  resultsFolder: string,
  { cwd, files }: { readonly cwd: string; readonly files: SmallFiles },
): Promise<HistoryRuns> {
  const summaries = new Map<string, SummaryValues>();
  /** Without a name, the values of all runs are kept, because it is not known yet which experiment they belong to. */
  const index = (root: string, name: string | null) =>
    indexRuns({
      folder: root,
      files,
      onSummary: (entry, json) => {
        if (name !== null && entry.experiment !== name) return;
        const { data } = summaryValuesSchema.safeParse(json);
        if (data !== undefined) summaries.set(entry.folder, data);
      },
    });
  const path = resolve(cwd, argument);
  const kind = await stat(path).catch(() => null);
  if (kind?.isDirectory() === true) {
    const all = (await index(path, null)).filter((entry) => measureDepth(entry) === 1);
    const experiment = all[0]?.experiment;
    if (experiment === undefined)
      throw noRuns(`${path} holds no runs.`, "Give the folder whose folders are runs.");
    const entries = all.filter((entry) => entry.experiment === experiment);
    return { experiment, folder: path, entries, summaries };
  }
  const experiment =
    kind?.isFile() === true ? (await loadExperiment(argument, { overrides: [] })).experiment.name : argument;
  const root = resolve(cwd, resultsFolder);
  const all = (await index(root, experiment)).filter((entry) => measureDepth(entry) === 2);
  const entries = all.filter((entry) => entry.experiment === experiment);
  if (entries.length > 0) return { experiment, folder: resolve(root, experiment), entries, summaries };
  const known = [...new Set(all.map((entry) => entry.experiment))].sort();
  const near = didYouMean(experiment, known);
  const next =
    near !== null
      ? `Did you mean ${near}?`
      : known.length === 0
        ? "Run an experiment first, or name the results folder: --results FOLDER."
        : `There are runs of: ${known.slice(0, 20).join(", ")}.`;
  throw noRuns(`No runs of ${JSON.stringify(experiment)} in ${root}.`, next);
}

function measureDepth({ path }: RunIndexEntry): number {
  return path.split("/").length;
}

function noRuns(message: string, next: string): FalconError {
  return new FalconError({ code: "history-no-runs", message, next, exitCode: ExitCode.resultsFailed });
}
