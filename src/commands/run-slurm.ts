/** `falcon-exp run --executor slurm`: submits the slices of a run as an array of tasks, and follows them. */
import { resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { pluralize } from "../base/text.js";
import { slurmClient } from "../executor/slurm/client.js";
import { type Ledger, readLedger, writeLedger } from "../executor/slurm/ledger.js";
import { buildJob, submitSlices } from "../executor/slurm/submit.js";
import { type SlurmSettings, slurmSchema } from "../experiment/slurm-schema.js";
import { needsBuiltinModel } from "../plan/builtin-model.js";
import { planText } from "../plan/plan-file.js";
import type { Plan } from "../plan/plan-types.js";
import { dealParts, splitPlan } from "../plan/slices.js";
import { readPlan } from "../run/earlier-run.js";
import { findRun } from "../run/find-run.js";
import { freezeRun } from "../run/frozen-run.js";
import { RunPaths } from "../run/paths.js";
import { readTasks } from "../run/read-run-records.js";
import { hasTasks } from "../run/task-folders.js";
import { attachTo } from "./attach.js";
import { findExtras } from "./find-extras.js";
import { newRunPaths } from "./freeze-experiment.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";
import { prepareEnvironment } from "./prepare-environment.js";
import { printJson } from "./print-json.js";
import type { RunArgs } from "./run-args.js";
import { PROGRAM } from "./slurm-program.js";

/** Throws FalconError: the loader's, the folder's, `slurm-…`. */
export async function runSlurm(io: CommandIo, args: RunArgs): Promise<number> {
  if (args.reuse || args.failOn.length > 0) {
    throw usage(
      "--reuse and --fail-on are for runs of one process.",
      "Leave them out; falcon-exp history RUN --fail-on judges a run that is over.",
    );
  }
  return args.resume === undefined ? submitNew(io, args) : submitLeft(io, args);
}

async function submitNew(io: CommandIo, args: RunArgs): Promise<number> {
  if (args.file === undefined)
    throw usage("No experiment file given.", "falcon-exp run FILE --executor slurm.");
  const { experiment, text, plan } = await loadPlan(io, { file: args.file, set: args.set });
  const run = newRunPaths(io, experiment.name, resolve(io.cwd, args.results));
  const settings = experiment.slurm ?? slurmSchema.parse({});
  const ledger = startLedger(io, plan, settings, args);
  const slices = Array.from({ length: ledger.slices }, (_, index) => index);
  if (args.dryRun) {
    io.stdout.write(buildJob(ledger, slices, { run, program: PROGRAM }));
    return ExitCode.ok;
  }
  await prepare(io, plan, args);
  await freezeRun(run, { experimentText: text, planText: planText(plan) });
  return submit(io, run, ledger, slices, args);
}

/** What is left of a run that tasks measure; `--retry-failed`: what failed as well. */
async function submitLeft(io: CommandIo, args: RunArgs): Promise<number> {
  const named = args.resume === true ? undefined : args.resume;
  if (named === undefined || args.file !== undefined) {
    throw usage("No run to resume given.", "falcon-exp run --resume RUN --executor slurm.");
  }
  const run = new RunPaths(await findRun(named, args.results, io.cwd));
  if (!(await hasTasks(run)))
    throw usage(`${run.folder} is measured by one process.`, `falcon-exp run --resume ${run.folder}.`);
  const plan = await readPlan(run);
  const before = await readLedger(run);
  const { parts } = await readTasks(run);
  const isLeft = new Set(
    parts
      .filter(
        ({ chosen }) =>
          (chosen?.state ?? "open") === "open" || (chosen?.state === "over" && args.retryFailed),
      )
      .map((part) => part.plan),
  );
  const dealt = dealParts(
    parts.map((part) => part.plan),
    before.slices,
  );
  const slices = dealt.flatMap((own, slice) => (own.some((part) => isLeft.has(part)) ? [slice] : []));
  if (slices.length === 0) {
    io.stderr.write(`Nothing is left to measure in ${run.folder}.\n`);
    return attachTo(io, run, before, args);
  }
  const tried = Math.max(0, ...parts.filter((part) => isLeft.has(part.plan)).map(({ tries }) => tries));
  const ledger: Ledger = {
    ...before,
    // Each task has its bound anew.
    losses_before: [...before.losses_before, ...before.losses],
    losses: [],
    cancelled_at: null,
    attempts: tried + before.settings.retries + 1,
    retry_failed: args.retryFailed,
  };
  if (args.dryRun) {
    io.stdout.write(buildJob(ledger, slices, { run, program: PROGRAM }));
    return ExitCode.ok;
  }
  await prepare(io, plan, args);
  return submit(io, run, ledger, slices, args);
}

function startLedger(io: CommandIo, plan: Plan, settings: SlurmSettings, args: RunArgs): Ledger {
  return {
    schema_version: 1,
    slices: Math.min(settings.tasks, splitPlan(plan).length),
    settings,
    python: args.python || null,
    attempts: settings.retries + 1,
    retry_failed: false,
    cwd: io.cwd,
    jobs: [],
    losses_before: [],
    losses: [],
    cancelled_at: null,
  };
}

/** Once, here, on the disk that the nodes share: a hundred tasks that each installed it would be in each other's way. */
async function prepare(io: CommandIo, plan: Plan, args: RunArgs): Promise<void> {
  await prepareEnvironment(io, {
    python: args.python || null,
    needsBuiltinModel: needsBuiltinModel(plan),
    extras: await findExtras(plan),
  });
}

async function submit(
  io: CommandIo,
  run: RunPaths,
  before: Ledger,
  slices: readonly number[],
  args: RunArgs,
): Promise<number> {
  await writeLedger(run, before);
  const ledger = await submitSlices(before, slices, {
    run,
    client: slurmClient,
    clock: io.clock,
    program: PROGRAM,
  });
  const id = ledger.jobs.at(-1)?.id ?? "";
  io.stderr.write(`Submitted job ${id}: ${pluralize(slices.length, "task")} for ${run.folder}\n`);
  if (!args.detach) return attachTo(io, run, ledger, args);
  if (args.json) printJson(io, { schema_version: 1, run: run.folder, job: id, tasks: slices.length });
  else io.stdout.write(`Follow it: falcon-exp attach ${run.folder}\n`);
  return ExitCode.ok;
}

function usage(message: string, next: string): FalconError {
  return new FalconError({ code: "slurm-options", message, next, exitCode: ExitCode.usage });
}
