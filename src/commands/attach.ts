/** `falcon-exp attach`: follows a run that Slurm measures; it needs only the run's folder. */
import { ExitCode } from "../base/exit-codes.js";
import { ownProcessName } from "../base/process-name.js";
import { safeLine } from "../base/text.js";
import { slurmClient } from "../executor/slurm/client.js";
import { followSlices } from "../executor/slurm/follow.js";
import type { SliceStatus } from "../executor/slurm/judge.js";
import { readLedger } from "../executor/slurm/ledger.js";
import { Submitter } from "../executor/slurm/submit.js";
import { describeLoss, OUTCOMES } from "../render/words/task-losses.js";
import { readPlan } from "../run/earlier-run.js";
import { findRun } from "../run/find-run.js";
import { isOpen } from "../run/merge-tasks.js";
import { RunPaths } from "../run/paths.js";
import { readTasks } from "../run/read-run-records.js";
import { lockRun } from "../run/run-lock.js";
import { removeLogprobs } from "../run/task-folders.js";
import type { TaskLoss } from "../run/task-losses.js";
import { chooseExitCode } from "./choose-exit-code.js";
import { drawAndPrint } from "./draw-and-print.js";
import type { CommandIo } from "./io.js";
import { recordLostTask } from "./record-lost-task.js";
import { PROGRAM } from "./slurm-program.js";

export interface AttachArgs {
  readonly results: string;
  /** Seconds. */
  readonly poll: number;
  readonly json: boolean;
}

export async function run(io: CommandIo, args: AttachArgs & { readonly run: string }): Promise<number> {
  const paths = new RunPaths(await findRun(args.run, args.results, io.cwd));
  return attachTo(io, paths, args);
}

/** Throws FalconError `slurm-run-unknown`, `results-locked` if another process follows the run. */
export async function attachTo(
  io: CommandIo,
  run: RunPaths,
  args: AttachArgs,
  submitter: Submitter = makeSubmitter(io, run),
): Promise<number> {
  await readLedger(run);
  const lock = await lockRun(run.folder, await ownProcessName(), io.clock);
  try {
    if ((await follow(io, run, { poll: args.poll, submitter })) === "detached") {
      io.stderr.write(
        `The tasks keep running. Follow them: falcon-exp attach ${run.folder}; stop them: falcon-exp cancel ${run.folder}\n`,
      );
      return ExitCode.interrupted;
    }
  } finally {
    await lock.release();
  }
  if ((await readPlan(run)).header.quality?.keep_logprobs !== true) await removeLogprobs(run);
  const picture = io.stdoutIsTty ? "auto" : "none";
  const data = await drawAndPrint(io, run, { json: args.json, picture });
  return chooseExitCode(data.end?.status ?? "interrupted", null);
}

async function follow(
  io: CommandIo,
  run: RunPaths,
  { poll, submitter }: { readonly poll: number; readonly submitter: Submitter },
) {
  const ledger = await readLedger(run);
  const plan = await readPlan(run);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  const say = (text: string) => io.stderr.write(`${text}\n`);
  let said = "";
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await followSlices(ledger, {
      run,
      client: slurmClient,
      clock: io.clock,
      pollMs: poll * 1000,
      signal: stop.signal,
      onLook: (statuses) => {
        const text = countStatuses(statuses);
        if (text !== said) say(text);
        said = text;
      },
      onLoss: (loss) => say(lossText(loss)),
      isOver: async (slice) => {
        const { parts } = await readTasks(run, { index: slice, count: ledger.slices });
        return !parts.some(isOpen);
      },
      submitWaiting: (before, queue) => submitter.submitWaiting(before, queue),
      giveUp: async (slice, cause) => {
        const choice = { run, plan, slice: { index: slice, count: ledger.slices }, retryFailed: false };
        await recordLostTask(io, choice, cause);
      },
    });
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** `slice 2: Slurm task 17_2 on n1: it was preempted (PREEMPTED). It is submitted again.` */
export function lossText(loss: TaskLoss): string {
  return `${describeLoss(loss)} It is ${OUTCOMES[loss.outcome]}.`;
}

export function makeSubmitter(io: CommandIo, run: RunPaths): Submitter {
  const say = (text: string) => void io.stderr.write(`${safeLine(text)}\n`);
  return new Submitter({ run, client: slurmClient, clock: io.clock, program: PROGRAM, say });
}

/** `2 over, 1 running, 1 waiting (Resources)`. */
export function countStatuses(statuses: readonly SliceStatus[]): string {
  const counts = new Map<string, number>();
  for (const status of statuses) {
    const why =
      status.kind === "waiting" && !["", "None"].includes(status.reason) ? ` (${status.reason})` : "";
    const key = status.kind === "unsubmitted" ? "not submitted yet" : `${status.kind}${why}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return `tasks: ${[...counts].map(([key, count]) => `${count} ${key}`).join(", ")}`;
}
