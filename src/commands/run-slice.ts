/** `falcon-exp run --plan PLAN --slice K/N`: one task of a run that several tasks measure, perhaps on several machines. */
import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { Plan } from "../plan/plan-types.js";
import { nameSlice, parseSlice, type Slice, splitPlan } from "../plan/slices.js";
import { writeReport } from "../render/write-report.js";
import { readPlan } from "../run/earlier-run.js";
import { findRun } from "../run/find-run.js";
import { freezeRun, readFrozenRun } from "../run/frozen-run.js";
import { isOpen } from "../run/merge-tasks.js";
import { RunPaths } from "../run/paths.js";
import { readTasks } from "../run/read-run-records.js";
import type { RunEndRecord } from "../run/record-types.js";
import { haveAllEnded } from "../run/task-ends.js";
import { removeLogprobs } from "../run/task-folders.js";
import type { Transport } from "../worker/transport.js";
import { DEFAULT_TRANSPORT } from "../worker/transport.js";
import { chooseExitCode } from "./choose-exit-code.js";
import { type ChosenTask, chooseTask, type TaskChoice } from "./choose-task.js";
import type { CommandIo } from "./io.js";
import { type Measured, measure } from "./measure.js";
import { printJson } from "./print-json.js";
import { recordLostTask } from "./record-lost-task.js";

export interface SliceArgs {
  /** A frozen plan: a file, or a run as people name it. */
  readonly plan: string;
  readonly slice: string;
  /** The run's folder; if not given, the folder of the plan. */
  readonly into?: string;
  /** After this many tries, what is left counts as failed. */
  readonly attempts?: number;
  readonly results: string;
  readonly retryFailed: boolean;
  readonly python?: string;
  readonly transport?: Transport;
  readonly json: boolean;
}

export async function runSlice(io: CommandIo, args: SliceArgs): Promise<number> {
  const slice = readSlice(args.slice);
  const run = await openRun(io, args);
  const plan = await readPlan(run);
  const choice: TaskChoice = { run, plan, slice, retryFailed: args.retryFailed };
  const { status, signal } = await measureTask(io, choice, args);
  const isOver = await isRunOver(run, plan, slice);
  if (isOver) await endRun(run, plan);
  const next = isOver
    ? `The run has ended: falcon-exp show ${run.folder}`
    : `Other slices have not ended yet.`;
  if (args.json)
    printJson(io, {
      schema_version: 1,
      run: run.folder,
      slice: nameSlice(slice),
      status,
      run_is_over: isOver,
    });
  else io.stdout.write(`Slice ${args.slice}: ${status}. ${next}\n`);
  return chooseExitCode(status, signal);
}

/** Whether the whole run is over. The task that ends last draws it, and only that task reads what all the others recorded. */
async function isRunOver(run: RunPaths, plan: Plan, { count }: Slice): Promise<boolean> {
  if (!(await haveAllEnded(run, { count, parts: splitPlan(plan).length }))) return false;
  const { parts } = await readTasks(run);
  return !parts.some(isOpen);
}

async function endRun(run: RunPaths, { header }: Plan): Promise<void> {
  if (header.quality?.keep_logprobs !== true) await removeLogprobs(run);
  await writeReport(run);
}

type Ended = Pick<Measured, "status" | "signal">;

async function measureTask(io: CommandIo, choice: TaskChoice, args: SliceArgs): Promise<Ended> {
  const worker = {
    python: args.python || null,
    transport: args.transport ?? DEFAULT_TRANSPORT,
    remote: null,
  };
  const chosen = await chooseTask(io, choice);
  io.stderr.write(`${chosen.leftText}\n`);
  try {
    if (chosen.over !== undefined) return { status: chosen.over, signal: null };
    if (areTriesUsedUp(chosen, args.attempts)) return await giveUp(io, choice, args.attempts ?? 0);
    return await measure(io, chosen, worker);
  } catch (error) {
    const isOtherMachine = error instanceof FalconError && error.code === "resume-environment-changed";
    if (!isOtherMachine || choice.afresh === true) throw error;
  } finally {
    await chosen.close();
  }
  // The software has changed since the earlier attempt, and what is compared with one reference must come from one environment.
  return measureTask(io, { ...choice, afresh: true }, args);
}

function areTriesUsedUp({ left }: ChosenTask, most: number | undefined): boolean {
  return most !== undefined && left.some((part) => isOpen(part) && part.tries >= most);
}

async function giveUp(io: CommandIo, choice: TaskChoice, tries: number): Promise<Ended> {
  const status: RunEndRecord["status"] = await recordLostTask(io, choice, {
    code: "task-tries-used-up",
    message: `It was started ${tries} times and interrupted each time.`,
    next: "Look at tasks/*/log.jsonl for why; then try again: falcon-exp run --resume RUN --retry-failed.",
  });
  return { status, signal: null };
}

/** Returns the run's folder, with plan and experiment written into it. */
async function openRun(io: CommandIo, args: SliceArgs): Promise<RunPaths> {
  const named = resolve(io.cwd, args.plan);
  const isFile = (await stat(named).catch(() => null))?.isFile() === true;
  const file = isFile ? named : new RunPaths(await findFolder(io, args)).plan;
  const run = new RunPaths(args.into === undefined ? dirname(file) : resolve(io.cwd, args.into));
  const frozen = await readFrozenRun(file).catch((cause: unknown) => {
    throw new FalconError({
      code: "plan-not-found",
      message: `Could not read ${file}: ${(cause as Error).message}`,
      next: "Name a frozen plan: falcon-exp plan FILE --freeze prints one's folder.",
      exitCode: ExitCode.usage,
      cause,
    });
  });
  await freezeRun(run, frozen);
  return run;
}

/** Finds the folder of the plan; a folder with a plan in it need not be a run yet. */
async function findFolder(io: CommandIo, { plan, results }: SliceArgs): Promise<string> {
  const named = resolve(io.cwd, plan);
  const hasPlan = await stat(join(named, "plan.jsonl")).then(
    () => true,
    () => false,
  );
  return hasPlan ? named : findRun(plan, results, io.cwd);
}

function readSlice(text: string): Slice {
  const slice = parseSlice(text);
  if (slice !== null) return slice;
  throw new FalconError({
    code: "slice-invalid",
    message: `${JSON.stringify(text)} is not a slice.`,
    next: "Write K/N with K from 0 to N-1: of four slices the first is 0/4, the last 3/4.",
    exitCode: ExitCode.usage,
  });
}
