/** The plan: frozen data, every default filled in. One JSON object a line in `plan.jsonl`: header, configurations, trials. */
import { z } from "zod";
import { nonNegativeInt, positiveInt } from "../protocol/common.js";
import { generationSchema, workerConfigurationSchema } from "../protocol/configuration.js";

export const PLAN_SCHEMA_VERSION = 1;

/** Deadlines without progress, in seconds, per phase; `heartbeat_sec` is the supervisor's. */
export const timeoutsSchema = z.strictObject({
  heartbeat_sec: z.number().gt(0),
  start_sec: z.number().gt(0),
  load_sec: z.number().gt(0),
  warmup_sec: z.number().gt(0),
  measure_sec: z.number().gt(0),
  unload_sec: z.number().gt(0),
});
export type Timeouts = z.infer<typeof timeoutsSchema>;

export const planHeaderSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("plan"),
  experiment: z.string(),
  /** As written by the user, for titles. */
  model_name: z.string(),
  /** What a reader must know of the model, e.g. that its weights went through Q4_1; null when nothing. */
  model_note: z.string().nullable(),
  reference_configuration_id: z.string(),
  configurations: positiveInt,
  trials: positiveInt,
  repeats: positiveInt,
  warmup: nonNegativeInt,
  timeouts: timeoutsSchema,
});
export type PlanHeader = z.infer<typeof planHeaderSchema>;

export const planConfigurationSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("configuration"),
  /** 0-based order of running. */
  index: nonNegativeInt,
  /** Everything the worker loads. `worker.id` and `worker.label` are the configuration's id and label. */
  worker: workerConfigurationSchema,
  generation: generationSchema,
  /** The matrix axes that vary in this experiment, as short texts: {"quantization": "fp4"}. */
  axes: z.record(z.string(), z.string()),
  /** The unquantized (or otherwise named) configuration that the others are compared with. */
  is_reference: z.boolean(),
  /** Sha-256 of all effective inputs known without Python (model, quantization, dtype, …, generation, prompts, worker code). */
  inputs_sha256: z.string(),
});
export type PlanConfiguration = z.infer<typeof planConfigurationSchema>;

export const planTrialSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("trial"),
  /** Unique in the plan: `<configuration id>/p<prompt, from 1>/r<repeat, from 1>`. */
  id: z.string(),
  /** 0-based within its configuration; the x of the article's chart is index + 1. */
  index: nonNegativeInt,
  configuration_id: z.string(),
  prompt_index: nonNegativeInt,
  prompt_id: z.string(),
  prompt: z.string(),
  repeat: nonNegativeInt,
});
export type PlanTrial = z.infer<typeof planTrialSchema>;

export const planLineSchema = z.discriminatedUnion("kind", [
  planHeaderSchema,
  planConfigurationSchema,
  planTrialSchema,
]);

export interface Plan {
  readonly header: PlanHeader;
  readonly configurations: readonly PlanConfiguration[];
  readonly trials: readonly PlanTrial[];
}
