/** `falcon-exp run --executor slurm`: submits the slices of a run as arrays of tasks, and follows them. */
import { resolve } from "node:path";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { ownProcessName } from "../base/process-name.js";
import { pluralize } from "../base/text.js";
import { nextArray } from "../executor/slurm/arrays.js";
import { slurmClient } from "../executor/slurm/client.js";
import { lookAtSlices } from "../executor/slurm/follow.js";
import type { SliceStatus } from "../executor/slurm/judge.js";
import { type Ledger, readLedger, unmarkCancelled, writeLedger } from "../executor/slurm/ledger.js";
import { DEFAULT_LIMITS } from "../executor/slurm/limits.js";
import { addJob, buildJob } from "../executor/slurm/submit.js";
import { type SlurmSettings, slurmSchema } from "../experiment/slurm-schema.js";
import { needsBuiltinModel } from "../plan/builtin-model.js";
import { planText } from "../plan/plan-file.js";
import type { Plan } from "../plan/plan-types.js";
import { dealRun, writeDeal } from "../run/deal-file.js";
import { readPlan } from "../run/earlier-run.js";
import { findRun } from "../run/find-run.js";
import { freezeRun } from "../run/frozen-run.js";
import { isOpen } from "../run/merge-tasks.js";
import { RunPaths } from "../run/paths.js";
import { readTasks } from "../run/read-run-records.js";
import { lockRun } from "../run/run-lock.js";
import { hasTasks } from "../run/task-folders.js";
import { attachTo, makeSubmitter } from "./attach.js";
import { chooseSlices } from "./choose-slices.js";
import { findExtras } from "./find-extras.js";
import { newRunPaths } from "./freeze-experiment.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";
import { prepareEnvironment } from "./prepare-environment.js";
import { printJson } from "./print-json.js";
import type { RunArgs } from "./run-args.js";
import { PROGRAM } from "./slurm-program.js";

/** Throws the FalconErrors of the experiment loader and of the run's folder, and `slurm-…`. */
export async function runSlurm(io: CommandIo, args: RunArgs): Promise<number> {
  if (args.reuse || args.failOn.length > 0) {
    throw usage(
      "--reuse and --fail-on are for runs of one process.",
      "Leave them out; falcon-exp history NAME --fail-on judges the newest run.",
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
  const { count, dealt, remark } = await chooseSlices(io, plan, settings, args);
  if (remark !== null) io.stderr.write(`${remark}\n`);
  const ledger = startLedger(io, settings, count, args);
  if (args.dryRun) return printScripts(io, run, ledger);
  await prepare(io, plan, args);
  await freezeRun(run, { experimentText: text, planText: planText(plan) });
  if (dealt !== null) await writeDeal(run, dealt);
  return submit(io, run, ledger, args);
}

/** Submits what is left of a run that is measured by tasks; with `--retry-failed`, also what failed. */
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
      .filter((part) => isOpen(part) || (part.chosen?.state === "over" && args.retryFailed))
      .map((part) => part.plan),
  );
  const dealt = await dealRun(
    run,
    parts.map((part) => part.plan),
    before.slices,
  );
  const look = await lookAtSlices(before, { run, client: slurmClient, clock: io.clock });
  const waiting = dealt.flatMap((own, slice) =>
    own.some((part) => isLeft.has(part)) && !isInHands(look.statuses[slice]) ? [slice] : [],
  );
  if (waiting.length === 0) {
    io.stderr.write(`${run.folder} has no tasks left to submit.\n`);
    return attachTo(io, run, args);
  }
  const tried = Math.max(0, ...parts.filter((part) => isLeft.has(part.plan)).map(({ tries }) => tries));
  const ledger: Ledger = {
    ...before,
    waiting,
    // How often each task may be submitted again is counted anew.
    losses_before: [...before.losses_before, ...before.losses],
    losses: [],
    cancelled_at: null,
    attempts: tried + before.settings.retries + 1,
    retry_failed: args.retryFailed,
  };
  if (args.dryRun) return printScripts(io, run, ledger);
  await prepare(io, plan, args);
  return submit(io, run, ledger, args);
}

/** Whether Slurm still has a task of the slice; a second one would measure the same. */
function isInHands(status: SliceStatus | undefined): boolean {
  return status?.kind === "waiting" || status?.kind === "running";
}

function startLedger(io: CommandIo, settings: SlurmSettings, slices: number, args: RunArgs): Ledger {
  return {
    schema_version: 1,
    slices,
    settings,
    python: args.python || null,
    attempts: settings.retries + 1,
    retry_failed: false,
    cwd: io.cwd,
    jobs: [],
    waiting: Array.from({ length: slices }, (_, slice) => slice),
    losses_before: [],
    losses: [],
    cancelled_at: null,
  };
}

/** Prints the scripts one after the other, as sbatch would get them. */
async function printScripts(io: CommandIo, run: RunPaths, before: Ledger): Promise<number> {
  const { maxArraySize } = (await slurmClient.limits()) ?? DEFAULT_LIMITS;
  let ledger = before;
  for (;;) {
    const next = nextArray(ledger.waiting, { maxArraySize, most: Number.POSITIVE_INFINITY });
    if (next === null) return ExitCode.ok;
    io.stdout.write(buildJob(ledger, next, { run, program: PROGRAM }));
    ledger = addJob(ledger, next, run, io.clock.now());
  }
}

/** Done once, here, on the disk that the nodes share: a hundred tasks that each installed it would get in each other's way. */
async function prepare(io: CommandIo, plan: Plan, args: RunArgs): Promise<void> {
  await prepareEnvironment(io, {
    python: args.python || null,
    needsBuiltinModel: needsBuiltinModel(plan),
    extras: await findExtras(plan),
  });
}

async function submit(io: CommandIo, run: RunPaths, before: Ledger, args: RunArgs): Promise<number> {
  const lock = await lockRun(run.folder, await ownProcessName(), io.clock);
  const submitter = makeSubmitter(io, run);
  let ledger = before;
  try {
    await unmarkCancelled(run);
    await writeLedger(run, before);
    const queue = (await slurmClient.queue("all")) ?? { rows: [], jobs: 0 };
    ledger = await submitter.submitWaiting(before, queue);
  } finally {
    await lock.release();
  }
  if (!args.detach) return attachTo(io, run, args, submitter);
  const jobs = ledger.jobs.slice(before.jobs.length).flatMap(({ id }) => id ?? []);
  const waiting = ledger.waiting.length;
  const tasks = before.waiting.length - waiting;
  if (args.json)
    printJson(io, { schema_version: 1, run: run.folder, job: jobs[0] ?? null, jobs, tasks, waiting });
  else {
    if (waiting > 0)
      io.stdout.write(
        `${pluralize(waiting, "task")} not submitted yet: falcon-exp attach submits them when there is room.\n`,
      );
    io.stdout.write(`Follow it: falcon-exp attach ${run.folder}\n`);
  }
  return ExitCode.ok;
}

function usage(message: string, next: string): FalconError {
  return new FalconError({ code: "slurm-options", message, next, exitCode: ExitCode.usage });
}
