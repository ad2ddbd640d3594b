/** The folder of a run that tasks will measure: experiment and plan are on disk before any task begins. */
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { isSamePlan } from "../plan/plan-file.js";
import { RunPaths } from "./paths.js";
import { writeResultFile } from "./result-file.js";
import { hasTasks } from "./task-folders.js";
import { writeFailed } from "./writer.js";

export interface FrozenRun {
  /** The experiment file as given; null if there is none. */
  readonly experimentText: string | null;
  readonly planText: string;
}

/**
 * Creates the folder, or accepts it as another task created it. Throws FalconError `results-write-failed`;
 * `slice-into-other-run` if it holds another plan, or a run that one process measures.
 */
export async function freezeRun(run: RunPaths, { experimentText, planText }: FrozenRun): Promise<void> {
  const there = await readFile(run.plan, "utf8").catch(() => null);
  if (there !== null && !isSamePlan(there, planText)) throw otherRun(`${run.plan} is another plan.`);
  if (!(await hasTasks(run)) && (await stat(run.records).catch(() => null)) !== null) {
    throw otherRun(`${run.folder} is a run that was not measured in slices.`);
  }
  await mkdir(run.tasks, { recursive: true }).catch((cause: unknown) => {
    throw writeFailed(run.tasks, cause);
  });
  // If several tasks begin at once, each writes the same content.
  if (experimentText !== null) await writeResultFile(run.experiment, experimentText);
  if (there === null) await writeResultFile(run.plan, planText);
}

/** Reads a frozen plan and the experiment file beside it. Throws the file system's errors. */
export async function readFrozenRun(planFile: string): Promise<FrozenRun> {
  const beside = new RunPaths(dirname(planFile));
  return {
    planText: await readFile(planFile, "utf8"),
    experimentText: await readFile(beside.experiment, "utf8").catch(() => null),
  };
}

function otherRun(message: string): FalconError {
  return new FalconError({
    code: "slice-into-other-run",
    message,
    next: "Name a new folder: --into FOLDER.",
    exitCode: ExitCode.usage,
  });
}
