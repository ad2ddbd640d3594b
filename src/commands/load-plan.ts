import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { packageRoot } from "../base/program.js";
import { secretsRedactor } from "../base/secrets.js";
import type { Experiment } from "../experiment/experiment.js";
import { type LoadedExperiment, loadExperiment } from "../experiment/load.js";
import { makePlan } from "../plan/make-plan.js";
import type { Plan } from "../plan/plan-types.js";
import { workerCodeSha256 } from "../plan/worker-code.js";
import type { CommandIo } from "./io.js";

export interface PlannedExperiment {
  readonly experiment: Experiment;
  readonly text: string;
  readonly plan: Plan;
}

/** If the file is missing, suggests one: people name an experiment as they name its runs, and mean the file that `init` wrote. */
function withNearFile(error: unknown, file: string): unknown {
  const isMissing = error instanceof FalconError && (error.cause as NodeJS.ErrnoException)?.code === "ENOENT";
  if (!isMissing) return error;
  const near = [`${file}.yaml`, `experiments/${file}.yaml`, `experiments/${file}`].find((path) =>
    existsSync(path),
  );
  const { code, message, place, exitCode } = error;
  return new FalconError({
    code,
    message,
    next:
      near === undefined
        ? "Name an experiment file; falcon-exp init writes some into ./experiments."
        : `Did you mean ${near}?`,
    ...(place === null ? {} : { place }),
    ...(exitCode === null ? {} : { exitCode }),
    cause: error.cause,
  });
}

/** Loads an experiment file and plans it. Throws FalconError with the place of the mistake. */
export async function loadPlan(
  io: CommandIo,
  args: { readonly file: string; readonly set: readonly string[] },
): Promise<PlannedExperiment> {
  const { experiment, text } = await loadExperimentFile(io, args);
  const worker = await workerCodeSha256(join(packageRoot(), "python"));
  const overrides = args.set.map(secretsRedactor(io.env));
  const plan = makePlan(experiment, { workerCodeSha256: worker, overrides });
  return { experiment, text, plan };
}

/** Throws FalconError with the place of the mistake. */
export function loadExperimentFile(
  io: CommandIo,
  args: { readonly file: string; readonly set: readonly string[] },
): Promise<LoadedExperiment> {
  // The path is shown as it was typed, so that an editor can jump to file:line:column.
  const isFromHere = resolve(args.file) === resolve(io.cwd, args.file);
  const file = isFromHere ? args.file : resolve(io.cwd, args.file);
  return loadExperiment(file, { overrides: args.set }).catch((error: unknown) => {
    throw withNearFile(error, file);
  });
}
