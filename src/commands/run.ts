import { join, relative, resolve } from "node:path";
import type { FailCondition } from "../analysis/history/fail-on.js";
import { asCalled } from "../base/as-called.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { sampleBusyShare } from "../base/machine-load.js";
import type { RunEventListener } from "../run/events.js";
import type { RunPaths } from "../run/paths.js";
import type { RunEndRecord } from "../run/record-types.js";
import { DEFAULT_TRANSPORT } from "../worker/transport.js";
import { chooseExitCode } from "./choose-exit-code.js";
import { chooseRun } from "./choose-run.js";
import type { ChosenRun } from "./chosen-run.js";
import type { CommandIo } from "./io.js";
import { loadExperimentFile } from "./load-plan.js";
import { type Measured, measure } from "./measure.js";
import type { RemoteChoice } from "./measuring-place.js";
import { TellingAhead } from "./prepare-telling.js";
import { callRegressionHook, readConditions } from "./regression-hook.js";
import type { RunArgs } from "./run-args.js";
import { beginScheduled } from "./scheduled.js";

/** `falcon-exp run`: experiment → plan → environment → measurements → records → report. */
export async function run(io: CommandIo, args: RunArgs): Promise<number> {
  // A wrong --fail-on condition is reported before anything is measured.
  const conditions = readConditions(args);
  if (args.plan !== undefined || args.slice !== undefined) return runTask(io, args);
  const isSlurms = args.devices === undefined && (await isForSlurm(io, args));
  refuseUnheeded(args, isSlurms);
  // A dry run only prints, so it cannot get in another run's way.
  const scheduled = args.scheduled && !args.dryRun ? await beginFor(io, args) : null;
  try {
    const { devices } = args;
    if (devices !== undefined) {
      return await (await import("./run-devices.js")).runDevices(io, { ...args, devices });
    }
    if (isSlurms) return await (await import("./run-slurm.js")).runSlurm(io, args);
    return await runHere(io, args, conditions);
  } finally {
    await scheduled?.release();
  }
}

/** Refuses options that would have no effect together with the others. */
function refuseUnheeded(args: RunArgs, isSlurms: boolean): void {
  const { devices, executor, dryRun } = args;
  const isRemote = args.worker !== undefined || args.workerKey !== undefined;
  const fail = (code: string, message: string, next: string) =>
    new FalconError({ code, message, next, exitCode: ExitCode.usage });
  if (devices !== undefined && (isRemote || dryRun || executor === "slurm")) {
    throw fail(
      "devices-invalid",
      "--devices is for devices of this machine, without --worker, --executor slurm and --dry-run.",
      "Leave out one or the other.",
    );
  }
  if (isSlurms && isRemote) {
    throw fail(
      "slurm-options",
      "Slurm chooses the machines that measure; --worker names one.",
      "Leave --worker out, or measure only there: --executor local.",
    );
  }
}

/** Only for an experiment file, because a scheduler does not resume a run. */
async function beginFor(io: CommandIo, { file, set, results, waitQuiet }: RunArgs) {
  if (file === undefined) {
    throw new FalconError({
      code: "schedule-without-file",
      message: "--scheduled is for a new run of an experiment file.",
      next: "falcon-exp run FILE --scheduled.",
      exitCode: ExitCode.usage,
    });
  }
  const { experiment } = await loadExperimentFile(io, { file, set });
  const folder = join(resolve(io.cwd, results), experiment.name);
  return beginScheduled(io, { folder, waitQuietSec: waitQuiet, sampleBusyShare });
}

async function runHere(io: CommandIo, args: RunArgs, conditions: readonly FailCondition[]): Promise<number> {
  const chosen = await chooseRun(io, args);
  const ahead = new TellingAhead(chosen.plan);
  const { status: measuredStatus, signal, paths } = await measured(io, chosen, args, ahead.onEvent);
  const { drawAndPrint, judgeRun } = await ahead.load();
  const picture = io.stdoutIsTty ? "auto" : "none";
  const { drawing } = ahead;
  const data = await drawAndPrint(io, paths, { json: args.json, picture, answers: true, drawing });
  // This process may have measured only a part of the run.
  const status = chosen.run === undefined ? measuredStatus : (data.end?.status ?? "interrupted");
  const next = describeResume(status, paths, io.cwd);
  if (next !== null) io.stderr.write(`${asCalled(next, io.program)}\n`);
  const isBroken = conditions.length > 0 && (await judgeRun(io, paths, conditions));
  if (isBroken && args.onRegression !== undefined) await callRegressionHook(io, args.onRegression, paths);
  const code = chooseExitCode(status, signal);
  return code === ExitCode.ok && isBroken ? ExitCode.regression : code;
}

/** Whether Slurm measures: decided by `--executor`, else the file. A resumed run is measured here unless Slurm is asked for. */
async function isForSlurm(io: CommandIo, { executor, dryRun, resume, file, set }: RunArgs): Promise<boolean> {
  if (executor !== undefined) return executor === "slurm";
  if (dryRun) return true;
  if (resume !== undefined || file === undefined) return false;
  return (await loadExperimentFile(io, { file, set })).experiment.slurm !== null;
}

/** The machine that measures; null if it is this one. */
function chooseRemote({ worker, workerKey }: RunArgs): RemoteChoice | null {
  if (worker === undefined && workerKey === undefined) return null;
  if (worker !== undefined && workerKey !== undefined) return { address: worker, key: workerKey };
  throw new FalconError({
    code: "remote-worker-options",
    message: "--worker and --worker-key go together.",
    next: "falcon-exp run FILE --worker tcp://HOST:PORT --worker-key KEY; falcon-exp keys prints the key there.",
    exitCode: ExitCode.usage,
  });
}

/** Measures one task of a run that several tasks measure. */
async function runTask(io: CommandIo, args: RunArgs): Promise<number> {
  const { plan, slice, file, resume, reuse, failOn, set, devices, worker, workerKey } = args;
  const others = [file, resume === true ? undefined : resume, devices, worker, workerKey].filter(
    (one) => one !== undefined,
  );
  if (
    plan === undefined ||
    slice === undefined ||
    others.length > 0 ||
    reuse ||
    failOn.length + set.length > 0
  ) {
    throw new FalconError({
      code: "slice-options",
      message:
        "--plan and --slice go together, without an experiment file, --set, --resume, --reuse, --fail-on, --devices or --worker.",
      next: "falcon-exp run --plan RUN --slice 0/4; falcon-exp plan FILE --freeze makes RUN.",
      exitCode: ExitCode.usage,
    });
  }
  return (await import("./run-slice.js")).runSlice(io, { ...args, plan, slice });
}

/** Says how to measure what is missing; null if nothing is. */
function describeResume(status: RunEndRecord["status"], { folder }: RunPaths, cwd: string): string | null {
  const path = relative(cwd, folder);
  const run = /^[\w./-]+$/.test(path) ? path : JSON.stringify(path);
  if (status === "interrupted") return `Resume it: falcon-exp run --resume ${run}`;
  return status === "completed" ? null : `Retry what failed: falcon-exp run --resume ${run} --retry-failed`;
}

async function measured(
  io: CommandIo,
  chosen: ChosenRun,
  args: RunArgs,
  onEvent: RunEventListener,
): Promise<Measured> {
  const worker = {
    python: args.python || null,
    transport: args.transport ?? DEFAULT_TRANSPORT,
    remote: chooseRemote(args),
  };
  try {
    if (chosen.over === undefined) return await measure(io, chosen, worker, onEvent);
    return { status: chosen.over, signal: null, paths: chosen.run ?? (await chosen.open()).paths };
  } finally {
    await chosen.close();
  }
}
