import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { planText } from "../plan/plan-file.js";
import { freezeRun } from "../run/frozen-run.js";
import { RunPaths } from "../run/paths.js";
import { makeRunId } from "../run/run-id.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";

/** Makes the folder of a new run that tasks will measure. Throws the loader's FalconErrors and `results-write-failed`. */
export async function freezeExperiment(
  io: CommandIo,
  args: { readonly file: string; readonly set: readonly string[]; readonly results: string },
): Promise<RunPaths> {
  const { experiment, text, plan } = await loadPlan(io, args);
  const run = newRunPaths(io, experiment.name, resolve(io.cwd, args.results));
  await freezeRun(run, { experimentText: text, planText: planText(plan) });
  return run;
}

export function newRunPaths(io: CommandIo, experiment: string, resultsFolder: string): RunPaths {
  return RunPaths.of(resultsFolder, experiment, makeRunId(io.clock, randomBytes(2).toString("hex")));
}
