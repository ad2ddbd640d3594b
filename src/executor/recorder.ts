import type { PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import { RECORD_SCHEMA_VERSION, type RunFileRecord } from "../results/record-types.js";
import type { RunContext } from "./executor.js";

type Fields<K extends RunFileRecord["kind"]> =
  Extract<RunFileRecord, { kind: K }> extends infer R
    ? R extends RunFileRecord
      ? Omit<R, "schema_version" | "run_id" | "at" | "kind">
      : never
    : never;

/** Appends one record of `kind` with the head that all records share. */
export async function record<K extends RunFileRecord["kind"]>(
  context: RunContext,
  kind: K,
  fields: Fields<K>,
): Promise<void> {
  const head = {
    schema_version: RECORD_SCHEMA_VERSION,
    run_id: context.runId,
    at: context.clock.now().toISOString(),
    kind,
  };
  await context.records.append({ ...head, ...(fields as object) } as unknown as RunFileRecord);
}

/** The fields by which a record names its configuration. */
export function ofConfiguration(configuration: PlanConfiguration) {
  return { configuration_id: configuration.worker.id, configuration: configuration.worker.label };
}

/** The fields by which a record names its trial. */
export function ofTrial(configuration: PlanConfiguration, trial: PlanTrial) {
  return {
    ...ofConfiguration(configuration),
    trial_id: trial.id,
    trial_index: trial.index,
    prompt_index: trial.prompt_index,
    prompt_id: trial.prompt_id,
    repeat: trial.repeat,
    round: trial.round,
  };
}
