import type { PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import { RECORD_SCHEMA_VERSION, type RunFileRecord } from "../run/record-types.js";
import type { RunContext } from "./executor.js";
import type { LoadJob } from "./load-job.js";

type Fields<K extends RunFileRecord["kind"]> =
  Extract<RunFileRecord, { kind: K }> extends infer R
    ? R extends RunFileRecord
      ? Omit<R, "schema_version" | "run_id" | "at" | "kind">
      : never
    : never;

/** Appends one record of `kind` with the fields that all records share. */
export async function record<K extends RunFileRecord["kind"]>(
  context: RunContext,
  kind: K,
  fields: Fields<K>,
): Promise<void> {
  const commonFields = {
    schema_version: RECORD_SCHEMA_VERSION,
    run_id: context.runId,
    at: context.clock.now().toISOString(),
    kind,
  };
  await context.records.append({ ...commonFields, ...(fields as object) } as unknown as RunFileRecord);
}

/** The fields by which a record names its configuration. */
export function ofConfiguration(configuration: PlanConfiguration) {
  return { configuration_id: configuration.worker.id, configuration: configuration.worker.label };
}

/** The fields by which the record of a measurement names its configuration and the try it belongs to. */
export function ofAttempt({ configuration, work }: Pick<LoadJob, "configuration" | "work">) {
  return { ...ofConfiguration(configuration), attempt: work.attempt, reused_from: null };
}

/** The fields by which a record names its trial and the load that measured it, not always that of the round in the plan. */
export function ofTrial(job: Pick<LoadJob, "configuration" | "work">, trial: PlanTrial) {
  return {
    ...ofAttempt(job),
    trial_id: trial.id,
    trial_index: trial.index,
    prompt_index: trial.prompt_index,
    prompt_id: trial.prompt_id,
    repeat: trial.repeat,
    round: job.work.session.round,
  };
}

/**
 * What every configuration record says about its load session. Once `repeats: auto` has ended the repeats, the trials recorded
 * count as planned.
 */
export function describeSessionEnd(job: Pick<LoadJob, "configuration" | "work" | "trials" | "progress">) {
  const { session } = job.work;
  const { trialsCompleted, trialsRecorded } = job.progress.summarizeSession(session);
  const isAsPlanned = job.progress.findRepeatsEnd(session) === "as-planned";
  return {
    ...ofAttempt(job),
    round: session.round,
    trials_completed: trialsCompleted,
    trials_planned: Math.max(1, isAsPlanned ? job.trials.length : trialsRecorded),
  };
}
