/** Records the work that a lost task left undone and that is not tried again, with the cause. */
import type { Plan } from "../plan/plan-types.js";
import { type PlanProgress, UNFINISHED } from "../run/plan-progress.js";
import type { Failure, RunEndRecord } from "../run/record-types.js";
import type { RunContext } from "./executor.js";
import { recordRun } from "./record-start.js";
import { recordStartFailure } from "./record-unrun.js";
import { record } from "./recorder.js";

/** `progress` is that of the records that `context.records` holds so far. */
export async function recordLost(
  plan: Plan,
  progress: PlanProgress,
  failure: Failure,
  context: RunContext,
): Promise<RunEndRecord["status"]> {
  if (!progress.hasStarted) await recordRun(plan, context);
  for (const work of progress.listRemainingWork(UNFINISHED)) {
    const { session } = work;
    const configuration = plan.configurations.find(({ worker }) => worker.id === session.configuration_id);
    if (configuration === undefined || session.role !== "measure") continue;
    const trials = progress.listTrials(session);
    await recordStartFailure({ configuration, work, trials, progress }, failure, context);
  }
  const measured = plan.blocks.filter(({ role }) => role === "measure");
  const isAny = measured.some((session) => progress.summarizeSession(session).trialsCompleted > 0);
  const status = isAny ? "partly_failed" : "all_failed";
  await record(context, "run_end", { status, elapsed_sec: 0 });
  return status;
}
