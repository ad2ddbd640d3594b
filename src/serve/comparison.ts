import { listQuestions } from "../analysis/compare/side-answers.js";
import { type CompareInput, groupSides, splitArgument } from "../analysis/compare/sides.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { writeComparison } from "../render/words/compare-report.js";
import { readRun } from "../run/run-data.js";
import type { ComparePageInput } from "./pages/compare.js";
import { servedRun } from "./served-run.js";

/** What the page shows for these sides; null for fewer than two. An error that the user can fix is part of the result. */
export async function compareSides(
  resultsFolder: string,
  sides: readonly string[],
  force: boolean,
): Promise<ComparePageInput["result"]> {
  if (sides.length < 2) return null;
  try {
    const inputs = takeAll(await Promise.allSettled(sides.map((side) => readInput(resultsFolder, side))));
    const report = writeComparison(inputs, { force });
    return { report, questions: groupSides(inputs).groups.map(listQuestions) };
  } catch (error) {
    if (error instanceof FalconError) return { refused: error };
    throw error;
  }
}

/** Returns all inputs, or throws. If runs were not found, the error names all of them, not only the first. */
function takeAll(settled: readonly PromiseSettledResult<CompareInput>[]): CompareInput[] {
  const reasons = settled.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  const missing = reasons.filter((one) => one instanceof FalconError && one.code === "run-not-found");
  if (missing.length > 1)
    throw runNotFound([...new Set(missing.map((one) => (one as Error).message))].join("\n"));
  if (reasons.length > 0) throw reasons[0];
  return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

function runNotFound(message: string): FalconError {
  const next = "Choose a run from the list.";
  return new FalconError({ code: "run-not-found", message, next, exitCode: ExitCode.resultsFailed });
}

async function readInput(resultsFolder: string, side: string): Promise<CompareInput> {
  // A folder's name may contain the same character that separates run and configuration.
  const whole = await servedRun(resultsFolder, side.split("/"));
  if (whole !== null) {
    return { argument: side, data: (await readRun(whole.folder)).data, configuration: null };
  }
  const { run, configuration } = splitArgument(side);
  const paths = await servedRun(resultsFolder, run.split("/"));
  if (paths === null) throw runNotFound(`There is no run ${JSON.stringify(side)}.`);
  return { argument: side, data: (await readRun(paths.folder)).data, configuration };
}
