/** Refuses a plan, or warns about it, before anything is started for it. */
import { existsSync } from "node:fs";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { safeLine } from "../base/text.js";
import type { Plan } from "../plan/plan-types.js";
import type { CommandIo } from "./io.js";

/**
 * Throws FalconError `task-code-refused` if task code was not allowed. A plan frozen by an earlier version may use it without the
 * permission that an experiment file needs today.
 */
export function judgeTaskCode(io: CommandIo, { header }: Plan): void {
  const { include_path = null, trust_task_code = null } = header.quality?.lm_eval ?? {};
  if (include_path === null) return;
  if (trust_task_code === true) {
    io.stderr.write(
      `WARNING: trust_task_code is on: Python code of the tasks in ${safeLine(include_path)} will run.\n`,
    );
    return;
  }
  throw new FalconError({
    code: "task-code-refused",
    message: `The plan takes tasks from ${include_path}, which can run any Python code, and that has not been allowed.`,
    next: "Read them; then start a new run from an experiment file with trust_task_code: true under quality.lm_eval.",
    exitCode: ExitCode.invalidExperiment,
  });
}

/** Only warns, for commands that only plan: the models may be on the machine that will measure. */
export function warnOfMissingFolders(io: CommandIo, plan: Plan): void {
  const missing = [...new Set(findMissingFolders(plan))].map(safeLine);
  if (missing.length === 0) return;
  io.stderr.write(`WARNING: no such model folder on this machine: ${missing.join(", ")}\n`);
}

function findMissingFolders({ configurations }: Plan): readonly string[] {
  return configurations.flatMap(({ worker: { model } }) =>
    model.source === "path" && !existsSync(model.path) ? [model.path] : [],
  );
}

/** Throws FalconError `model-folder-missing` if no model is there to measure. Reported now, not only after Python has started. */
export function refuseMissingFolders(plan: Plan): void {
  const missing = findMissingFolders(plan);
  if (missing.length < plan.configurations.length) return;
  throw new FalconError({
    code: "model-folder-missing",
    message: `There is no such model folder: ${[...new Set(missing)].join(", ")}.`,
    next: "Check the path in the experiment file: it is relative to the file's folder.",
    exitCode: ExitCode.invalidExperiment,
  });
}
