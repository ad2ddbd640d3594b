/** An attempt at a slice that measures nothing: it records what earlier attempts measured, and why the rest is missing. */
import { falconExpVersion } from "../base/program.js";
import { describeController } from "../executor/controller-info.js";
import { recordLost } from "../executor/record-lost.js";
import { StopSignal } from "../executor/stop.js";
import { joinParts } from "../plan/slices.js";
import { isOpen } from "../run/merge-tasks.js";
import { PlanProgress } from "../run/plan-progress.js";
import type { Failure, RunEndRecord, RunFileRecord } from "../run/record-types.js";
import { openTask } from "../run/task-folders.js";
import { chooseTask, startRecords, type TaskChoice } from "./choose-task.js";
import type { CommandIo } from "./io.js";

export async function recordLostTask(
  io: CommandIo,
  choice: TaskChoice,
  { code, message, next }: Pick<Failure, "code" | "message" | "next">,
): Promise<RunEndRecord["status"]> {
  const { run } = choice;
  const chosen = await chooseTask(io, { ...choice, retryFailed: false });
  const left = chosen.left.filter(isOpen);
  const plan = joinParts(
    choice.plan,
    left.map((part) => part.plan),
  );
  const records = await startRecords(
    run,
    plan,
    left.flatMap((part) => part.chosen ?? []),
  );
  const progress = new PlanProgress(plan, records);
  const folder = await openTask(run, choice.slice, io.clock);
  try {
    for (const record of records) await folder.records.append(record);
    const failure: Failure = {
      code,
      message,
      next,
      phase: null,
      exit_code: null,
      signal: null,
      stderr_tail: [],
      traceback: null,
    };
    return await recordLost(plan, progress, failure, {
      runId: run.runId,
      falconExpVersion: falconExpVersion(),
      controller: await describeController(io.cwd),
      records: {
        append: async (record: RunFileRecord) => {
          await folder.records.append(record);
          progress.apply(record);
        },
      },
      logprobsFolder: folder.paths.logprobs,
      log: folder.log,
      clock: io.clock,
      stop: new StopSignal(),
      onEvent: () => {},
    });
  } finally {
    await folder.close();
  }
}
