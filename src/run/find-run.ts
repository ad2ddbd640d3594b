import { access, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { RECORDS_FILE, RunPaths } from "./paths.js";
import { isRunId } from "./run-id.js";

/**
 * Finds the folder of the run that `argument` names: a run's folder (or its records.jsonl), `<experiment>/<run-id>`, or
 * `<experiment>` for its newest run. Throws FalconError `run-not-found`.
 */
export async function findRun(argument: string, resultsFolder: string, cwd: string): Promise<string> {
  const asPath = resolve(cwd, argument);
  if (basename(asPath) === RECORDS_FILE && (await exists(asPath))) return dirname(asPath);
  const asName = resolve(cwd, resultsFolder, argument);
  for (const folder of [asPath, asName]) {
    if (await isRun(folder)) return folder;
    const newest = await newestRunIn(folder);
    if (newest !== null) return newest;
  }
  throw new FalconError({
    code: "run-not-found",
    message: `No run found for ${JSON.stringify(argument)}: ${describePlaces(asPath, asName)} holds records.`,
    next: argument.includes("#")
      ? `Give only the run: ${argument.split("#")[0]}. RUN#CONFIGURATION works only with falcon-exp compare.`
      : await suggestion(resolve(cwd, resultsFolder)),
    exitCode: ExitCode.resultsFailed,
  });
}

/** Whether the folder has records, or tasks that will write some. */
async function isRun(folder: string): Promise<boolean> {
  const { records, tasks } = new RunPaths(folder);
  return (await exists(records)) || (await exists(tasks));
}

/** A path that may not be accessed counts as existing, because whatever reads it then reports why it cannot. */
async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code === "EACCES" || code === "EPERM",
  );
}

async function folderNames(folder: string): Promise<string[]> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new FalconError({
      code: "results-not-found",
      message: `${folder} cannot be read: ${cause.message}`,
      next: "Check its permissions, or name another folder of results: --results FOLDER.",
      exitCode: ExitCode.resultsFailed,
      cause,
    });
  });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function newestRunIn(folder: string): Promise<string | null> {
  const ids = (await folderNames(folder)).filter(isRunId).sort().reverse();
  for (const id of ids) {
    if (await isRun(join(folder, id))) return join(folder, id);
  }
  return null;
}

function describePlaces(asPath: string, asName: string): string {
  return asPath === asName ? `nothing in ${asPath}` : `neither ${asPath} nor ${asName}`;
}

async function suggestion(resultsFolder: string): Promise<string> {
  const experiments = (await folderNames(resultsFolder)).sort();
  if (experiments.length === 0) return "Run an experiment first: falcon-exp run experiments/quant.yaml.";
  return `Experiments with results in ${resultsFolder}: ${experiments.slice(0, 10).join(", ")}.`;
}
