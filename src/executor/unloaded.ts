/** Ends of a block for which nothing was loaded. */
import type { Failure } from "../run/record-types.js";
import type { BlockJob } from "./block-job.js";
import type { RunContext } from "./executor.js";
import { endOfBlock, record } from "./recorder.js";

/** All that a block's end needs; a sentinel has none. */
export type UnloadedJob = Pick<BlockJob, "configuration" | "work" | "trials" | "progress">;

/** Called off, or left out for a reason. */
export async function endWithout(
  job: UnloadedJob,
  status: "cancelled" | "skipped",
  reason: string,
  context: RunContext,
): Promise<void> {
  const { configuration, work } = job;
  const { block } = work;
  if (block.role !== "measure") return;
  await record(context, "configuration", { ...endOf(job), status, reason });
  if (status === "skipped") context.onEvent({ type: "configuration-skipped", configuration, block, reason });
}

/** No worker could be had for it. */
export async function endUnserved(job: UnloadedJob, failure: Failure, context: RunContext): Promise<void> {
  const { configuration, work } = job;
  const { block } = work;
  if (block.role === "sentinel") {
    context.onEvent({ type: "extra-failed", what: "sentinel", failure });
    return;
  }
  await record(context, "configuration", { ...endOf(job), status: "failed", failure });
  context.onEvent({ type: "configuration-failed", configuration, block, failure });
}

/** All of it was measured by an earlier process, and only that is not recorded. */
export async function endMeasured(job: UnloadedJob, context: RunContext): Promise<void> {
  const { configuration, work, progress } = job;
  const { block, trialFailure } = work;
  const end = endOf(job);
  if (end.trials_completed === 0 && trialFailure !== null) {
    await record(context, "configuration", { ...end, status: "failed", failure: trialFailure });
    context.onEvent({ type: "configuration-failed", configuration, block, failure: trialFailure });
    return;
  }
  const repeats_end = progress.repeatsEndOf(block);
  await record(context, "configuration", { ...end, status: "completed", proof_after: null, repeats_end });
  context.onEvent({ type: "configuration-completed", configuration, block, elapsedSec: 0 });
}

function endOf(job: UnloadedJob) {
  return { ...endOfBlock(job), elapsed_sec: 0, notices: [] };
}
