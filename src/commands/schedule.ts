/** `falcon-exp schedule`: prints what a scheduler needs to run an experiment every night; installs nothing. */
import { resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";
import { readConditions } from "./regression-hook.js";
import { buildSchedule, parseTimeOfDay, type ScheduleKind } from "./schedule-text.js";
import { PROGRAM } from "./slurm-program.js";

export interface ScheduleArgs {
  readonly file: string;
  readonly nightly: string;
  readonly as: ScheduleKind;
  /** This option and the next ones are as `run` takes them. */
  readonly waitQuiet?: string;
  readonly failOn: readonly string[];
  readonly onRegression?: string;
}

/** Variables that schedulers do not pass on by themselves. */
const KEPT = ["FALCON_EXP_HOME", "FALCON_EXP_PYTHON", "HF_HOME"];

/** Throws FalconErrors now instead of at night: those of the loader and of `run`'s own options, `schedule-time-invalid`. */
export async function run(io: CommandIo, args: ScheduleArgs): Promise<number> {
  const time = parseTimeOfDay(args.nightly);
  if (time === null) {
    throw new FalconError({
      code: "schedule-time-invalid",
      message: `${JSON.stringify(args.nightly)} is not a time of day.`,
      next: "Write it as 02:30.",
      exitCode: ExitCode.usage,
    });
  }
  readConditions(args);
  const { experiment } = await loadPlan(io, { file: args.file, set: [] });
  if (experiment.slurm !== null && args.failOn.length > 0) {
    throw new FalconError({
      code: "slurm-options",
      message: "--fail-on is for runs of one process, and Slurm measures this experiment.",
      next: `Leave it out; falcon-exp history ${experiment.name} --fail-on judges the newest run.`,
      exitCode: ExitCode.usage,
    });
  }
  const env = Object.fromEntries(KEPT.flatMap((key) => (io.env[key] ? [[key, io.env[key]]] : [])));
  const schedule = {
    experiment: experiment.name,
    file: resolve(io.cwd, args.file),
    cwd: io.cwd,
    ...time,
    program: PROGRAM,
    options: listOptions(args),
    env,
  };
  io.stdout.write(buildSchedule(args.as, schedule));
  return ExitCode.ok;
}

function listOptions({ waitQuiet, failOn, onRegression }: ScheduleArgs): readonly string[] {
  return [
    "--scheduled",
    ...(waitQuiet === undefined ? [] : ["--wait-quiet", waitQuiet]),
    ...failOn.flatMap((condition) => ["--fail-on", condition]),
    ...(onRegression === undefined ? [] : ["--on-regression", onRegression]),
  ];
}
