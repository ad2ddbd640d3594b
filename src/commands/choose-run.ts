/** The run that `falcon-exp run` measures: a new one, or an earlier one that is resumed. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { redactStrings, secretsRedactor } from "../base/secrets.js";
import { pluralize } from "../base/text.js";
import { planText } from "../plan/plan-file.js";
import type { Plan } from "../plan/plan-types.js";
import { readEarlierRun, readPlan } from "../run/earlier-run.js";
import { findRun } from "../run/find-run.js";
import { listFurtherWork } from "../run/further-loads.js";
import { newestFirst } from "../run/newest-first.js";
import { RunPaths } from "../run/paths.js";
import { type SessionWork, UNFINISHED } from "../run/plan-progress.js";
import { openRunFolder, type RunFolder, reopenRunFolder } from "../run/run-folder.js";
import { makeRunId } from "../run/run-id.js";
import { hasTasks } from "../run/task-folders.js";
import { chooseTask, WHOLE } from "./choose-task.js";
import type { ChosenRun } from "./chosen-run.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";

export interface RunArguments {
  readonly file?: string | undefined;
  readonly set: readonly string[];
  readonly results: string;
  /** A run as people name it; true = the experiment's newest run. */
  readonly resume?: string | true;
  readonly retryFailed: boolean;
  readonly acceptChanges: boolean;
  /** Whether finished configurations of earlier runs may be used instead of measuring them again. */
  readonly reuse: boolean;
}

/** Throws the FalconErrors of the experiment loader and of the run's folder, `run-not-found`, `resume-…`. */
export async function chooseRun(io: CommandIo, args: RunArguments): Promise<ChosenRun> {
  const isFile = typeof args.resume === "string" && /\.ya?ml$/i.test(args.resume);
  // `run --resume quant.yaml`: the option has taken the value that was meant as the experiment file.
  const file = isFile && args.file === undefined ? (args.resume as string) : args.file;
  if (args.resume !== undefined) return resumeRun(io, { ...args, file, resume: isFile ? true : args.resume });
  if (file === undefined) {
    throw usage(
      "run-not-named",
      "No experiment file given.",
      "Name an experiment file: falcon-exp run experiments/quant.yaml.",
    );
  }
  const { experiment, text, plan } = await loadPlan(io, { file, set: args.set });
  const resultsFolder = resolve(io.cwd, args.results);
  // Listed now, so that the new run is not one of them.
  const reuse = args.reuse ? newestFirst(join(resultsFolder, experiment.name)) : undefined;
  let folder: RunFolder | null = null;
  const open = async () => {
    const runId = makeRunId(io.clock, randomBytes(2).toString("hex"));
    folder = await openRunFolder({
      resultsFolder,
      experiment: experiment.name,
      runId,
      experimentText: text,
      planText: planText(plan),
      clock: io.clock,
    });
    folder.log.write("info", "run-started", { args: redactArgs(io, args), run_id: runId });
    return folder;
  };
  return {
    plan,
    open,
    close: async () => folder?.close(),
    ...(reuse === undefined ? {} : { reuse: await reuse }),
  };
}

type ResumeChoice = Omit<RunArguments, "file" | "resume"> & {
  readonly file: string | undefined;
  readonly resume: string | true;
};

async function resumeRun(io: CommandIo, args: ResumeChoice): Promise<ChosenRun> {
  if (args.set.length > 0) {
    throw usage(
      "resume-with-set",
      "--set cannot change a plan that is frozen.",
      "Leave out --set, or start a new run without --resume.",
    );
  }
  if (args.reuse) {
    throw usage("resume-with-reuse", "--reuse is only for a new run.", "Leave out --reuse.");
  }
  const paths = new RunPaths(await findResumed(io, args));
  if (await hasTasks(paths)) {
    const plan = await readPlan(paths);
    const chosen = await chooseTask(io, { run: paths, plan, slice: WHOLE, retryFailed: args.retryFailed });
    io.stderr.write(`${chosen.leftText}\n`);
    return chosen;
  }
  const folder = await reopenRunFolder(paths, io.clock);
  try {
    const { plan, progress, end, warnings } = await readEarlierRun(paths);
    for (const warning of warnings) folder.log.write("warning", "record-left-out", { ...warning });
    const { retryFailed, acceptChanges } = args;
    const options = { ...UNFINISHED, retryFailed };
    const planned = progress.listRemainingWork(options);
    // A completed run has measured as many loads as its own version asked for.
    const further = end?.status === "completed" ? [] : listFurtherWork(plan, progress, options);
    const left = planned.length + further.length;
    folder.log.write("info", "run-resumed", {
      args: redactArgs(io, args),
      run_id: paths.runId,
      blocks_left: left,
    });
    io.stderr.write(`${leftText(paths, plan, planned, further)}\n`);
    const isOver = left === 0 && end !== null && end.status !== "interrupted";
    return {
      plan,
      open: async () => folder,
      close: () => folder.close(),
      earlier: { progress, retryFailed, acceptChanges },
      ...(isOver ? { over: end.status } : {}),
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

async function findResumed(io: CommandIo, args: ResumeChoice): Promise<string> {
  const { file, resume } = args;
  if (file === undefined) {
    if (resume !== true) return findRun(resume, args.results, io.cwd);
    throw usage(
      "run-not-named",
      "No run to resume given.",
      "Name the run, or its experiment file: falcon-exp run --resume quant.",
    );
  }
  const { experiment, text } = await loadPlan(io, { file, set: [] });
  const newest = join(resolve(io.cwd, args.results), experiment.name);
  const folder = await findRun(resume === true ? newest : resume, args.results, io.cwd);
  const frozen = await readFile(new RunPaths(folder).experiment, "utf8").catch(() => null);
  if (frozen !== text) {
    io.stderr.write(
      `note: ${file} has changed since this run was planned; the run's own frozen plan is used.\n`,
    );
  }
  return folder;
}

function leftText(
  paths: RunPaths,
  plan: Plan,
  planned: readonly SessionWork[],
  further: readonly SessionWork[],
): string {
  const parts = [
    ...(planned.length === 0
      ? []
      : [
          `${countTrials(planned)} of ${pluralize(plan.trials.length, "trial")} left, in ${pluralize(planned.length, "load")}`,
        ]),
    ...(further.length === 0
      ? []
      : [
          `${pluralize(further.length, "further load")} with ${pluralize(countTrials(further), "trial")}, to compare speeds more precisely`,
        ]),
  ];
  if (parts.length === 0) return `Nothing is left to measure in ${paths.folder}.`;
  return `Resuming ${paths.folder}: ${parts.join("; ")}.`;
}

function countTrials(work: readonly SessionWork[]): number {
  return work.reduce((sum, { session, trials }) => sum + (session.role === "measure" ? trials.length : 0), 0);
}

function usage(code: string, message: string, next: string): FalconError {
  return new FalconError({ code, message, next, exitCode: ExitCode.usage });
}

/** The arguments without secrets, as the log may keep them. */
function redactArgs(io: CommandIo, args: object): object {
  return redactStrings(args, secretsRedactor(io.env));
}
