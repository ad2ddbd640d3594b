/** Records the end of load sessions for which nothing was loaded. */
import type { Failure } from "../run/record-types.js";
import type { RunContext } from "./executor.js";
import type { LoadJob } from "./load-job.js";
import { describeSessionEnd, record } from "./recorder.js";

/** What is needed to record the end of a load session; the end of a drift probe is not recorded. */
export type UnrunJob = Pick<LoadJob, "configuration" | "work" | "trials" | "progress">;

/** Records a load session that was cancelled or skipped, with the reason. */
export async function recordSkipped(
  job: UnrunJob,
  status: "cancelled" | "skipped",
  reason: string,
  context: RunContext,
): Promise<void> {
  const { configuration, work } = job;
  const { session } = work;
  if (session.role !== "measure") return;
  await record(context, "configuration", { ...describeEnd(job), status, reason });
  if (status === "skipped")
    context.onEvent({ type: "configuration-skipped", configuration, session, reason });
}

/** Records a load session for which no worker could be started. */
export async function recordStartFailure(
  job: UnrunJob,
  failure: Failure,
  context: RunContext,
): Promise<void> {
  const { configuration, work } = job;
  const { session } = work;
  if (session.role === "sentinel") {
    context.onEvent({ type: "measurement-failed", what: "sentinel", failure });
    return;
  }
  await record(context, "configuration", { ...describeEnd(job), status: "failed", failure });
  context.onEvent({ type: "configuration-failed", configuration, session, failure });
}

/** Records the end of a load session that an earlier process measured completely without recording its end. */
export async function recordKept(job: UnrunJob, context: RunContext): Promise<void> {
  const { configuration, work, progress } = job;
  const { session, trialFailure } = work;
  const end = describeEnd(job);
  if (end.trials_completed === 0 && trialFailure !== null) {
    await record(context, "configuration", { ...end, status: "failed", failure: trialFailure });
    context.onEvent({ type: "configuration-failed", configuration, session, failure: trialFailure });
    return;
  }
  // The proof that an earlier load read, if that load measured this one's trials as well.
  const proof_after = progress.findProofAfter(configuration.worker.id);
  const repeats_end = progress.findRepeatsEnd(session);
  await record(context, "configuration", { ...end, status: "completed", proof_after, repeats_end });
  context.onEvent({ type: "configuration-kept", session });
}

function describeEnd(job: UnrunJob) {
  return { ...describeSessionEnd(job), elapsed_sec: 0, notices: [] };
}
