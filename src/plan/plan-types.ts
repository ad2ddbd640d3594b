/**
 * The plan: read-only data with every default filled in. `plan.jsonl` has one JSON object per line: header,
 * configurations, load sessions, trials, texts.
 */
import { z } from "zod";
import { nonNegativeInt, positiveInt } from "../protocol/common.js";
import { generationSchema, workerConfigurationSchema } from "../protocol/configuration.js";
import { promptSchema } from "../protocol/prompt.js";

export const PLAN_SCHEMA_VERSION = 1;

/** Deadlines without progress, in seconds, per phase; `heartbeat_sec` is the supervisor's. */
export const timeoutsSchema = z.strictObject({
  heartbeat_sec: z.number().gt(0),
  start_sec: z.number().gt(0),
  load_sec: z.number().gt(0),
  warmup_sec: z.number().gt(0),
  measure_sec: z.number().gt(0),
  /** Missing in plans made before this phase existed. */
  quality_sec: z.number().gt(0).default(600),
  unload_sec: z.number().gt(0),
});
export type Timeouts = z.infer<typeof timeoutsSchema>;

/** Repeats until the decode rate's interval, both sides together, is at most `width` × the rate, or until `most` are done. */
export const autoRepeatsSchema = z.strictObject({
  width: z.number().gt(0),
  fewest: positiveInt,
  most: positiveInt,
});
export type AutoRepeats = z.infer<typeof autoRepeatsSchema>;

export const lmEvalPlanSchema = z.strictObject({
  tasks: z.array(z.string()),
  include_path: z.string().nullable(),
  limit: positiveInt.nullable(),
  num_fewshot: nonNegativeInt.nullable(),
  /** Null in plans made before the key existed. */
  trust_task_code: z.boolean().nullable().default(null),
});
export type LmEvalPlan = z.infer<typeof lmEvalPlanSchema>;

/** What each configuration is scored on, besides the trials. The texts themselves are separate lines. */
export const planQualitySchema = z.strictObject({
  context: positiveInt,
  max_tokens: positiveInt,
  keep_logprobs: z.boolean(),
  /** `both`: KL(this ‖ reference) as well. */
  kl: z.enum(["forward", "both"]).default("forward"),
  texts: z.array(z.strictObject({ id: z.string(), sha256: z.string(), characters: positiveInt })),
  lm_eval: lmEvalPlanSchema.nullable(),
});
export type PlanQuality = z.infer<typeof planQualitySchema>;

/** Keys with a default were added after version 1 was first written; older plans and records lack them. */
export const planHeaderSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("plan"),
  experiment: z.string(),
  /** As written by the user, for titles. */
  model_name: z.string(),
  /** What a reader must know about the model, e.g. that its weights went through Q4_1. Null if there is nothing to know. */
  model_note: z.string().nullable(),
  reference_configuration_id: z.string(),
  configurations: positiveInt,
  trials: positiveInt,
  /** Repeats per round; the maximum if `auto_repeats` decides. */
  repeats: positiveInt,
  auto_repeats: autoRepeatsSchema.nullable().default(null),
  rounds: positiveInt.default(1),
  /**
   * True: each trial is measured in one of the rounds, but a configuration whose load takes longer than its trials measures all
   * of them in its first round. False: every round measures all prompts and repeats.
   */
  rounds_share_trials: z.boolean().default(false),
  /** The number of rounds that may follow if a ratio is not known well enough; 0 in plans made before the key existed. */
  further_rounds: nonNegativeInt.default(0),
  /** Seed of the order of configurations within rounds. */
  order_seed: nonNegativeInt.default(0),
  warmup: nonNegativeInt,
  quality: planQualitySchema.nullable().default(null),
  profile: z.boolean().default(false),
  skip_implied: z.boolean().default(true),
  /** What `--set` changed in the file, as given except for secrets. */
  overrides: z.array(z.string()).default([]),
  /** How often a load session is retried after a transient failure; 0 in plans made before the key existed. */
  retries: nonNegativeInt.default(0),
  /** How often a disturbed trial is measured again; 0 in plans made before the key existed. */
  disturbed_retries: nonNegativeInt.default(0),
  /** A ratio that is closer to 1 than this is not a difference that matters. */
  smallest_difference: z.number().min(0).default(0.01),
  /** The price of the machine, in any currency. Null if it is not given. */
  price_per_hour: z.number().gt(0).nullable().default(null),
  timeouts: timeoutsSchema,
});
export type PlanHeader = z.infer<typeof planHeaderSchema>;

/** Plans made before prompts could be cut lack the key `truncate_prompts`. */
const plannedGenerationSchema = generationSchema.extend({
  truncate_prompts: generationSchema.shape.truncate_prompts.default("no"),
});

export const planConfigurationSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("configuration"),
  /** 0-based order of running. */
  index: nonNegativeInt,
  /** Everything the worker loads. `worker.id` and `worker.label` are the configuration's id and label. */
  worker: workerConfigurationSchema,
  generation: plannedGenerationSchema,
  /** The number of prompts that one `generate` answers together (`batch-rows.ts`). */
  batch_size: positiveInt.default(1),
  /** The matrix axes that vary in this experiment, as short texts: {"quantization": "fp4"}. */
  axes: z.record(z.string(), z.string()),
  /** Whether other configurations are compared with this one. */
  is_reference: z.boolean(),
  /** The configuration of the same model that this one is compared with. Null in older plans, which have only the header's. */
  reference_id: z.string().nullable().default(null),
  /** Sha-256 of all effective inputs known without Python (model, quantization, dtype, …, generation, prompts, worker code). */
  inputs_sha256: z.string(),
});
export type PlanConfiguration = z.infer<typeof planConfigurationSchema>;

/** The number of trials planned for each configuration, in all rounds together. */
export function countTrialsEach(
  header: Pick<PlanHeader, "repeats" | "rounds" | "rounds_share_trials">,
  prompts: number,
): number {
  return prompts * header.repeats * (header.rounds_share_trials ? 1 : header.rounds);
}

/** The id of the configuration that this one is compared with; a reference has its own id. */
export function referenceIdOf(
  { reference_id }: Pick<PlanConfiguration, "reference_id">,
  { reference_configuration_id }: Pick<PlanHeader, "reference_configuration_id">,
): string {
  return reference_id ?? reference_configuration_id;
}

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
  prompt: promptSchema,
  /** 0-based over all rounds: round × repeats + repeat within the round, if rounds do not share the trials. */
  repeat: nonNegativeInt,
  round: nonNegativeInt.default(0),
});
export type PlanTrial = z.infer<typeof planTrialSchema>;

/** A prompt of the experiment, once in the plan's file for all trials that measure it. */
export const planPromptSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("prompt"),
  prompt_index: nonNegativeInt,
  prompt: promptSchema,
});
export type PlanPrompt = z.infer<typeof planPromptSchema>;

/** A trial's line in the plan's file. Plans made before prompts had lines of their own have the prompt in each of these. */
const planTrialLineSchema = planTrialSchema.extend({ prompt: promptSchema.optional() });
export type PlanTrialLine = z.infer<typeof planTrialLineSchema>;

/** One load of one configuration, in the order of running. Files call it `block`. */
export const loadSessionSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("block"),
  /** 0-based order of running. */
  index: nonNegativeInt,
  configuration_id: z.string(),
  /** `sentinel` (the drift probe): the same measurement at start, middle and end, to show drift; not counted as trials. */
  role: z.enum(["measure", "sentinel"]),
  /** 0-based; for a drift probe: 0 start, 1 middle, 2 end. */
  round: nonNegativeInt,
});
export type LoadSession = z.infer<typeof loadSessionSchema>;

export const planTextSchema = z.strictObject({
  schema_version: z.literal(PLAN_SCHEMA_VERSION),
  kind: z.literal("text"),
  id: z.string(),
  sha256: z.string(),
  text: z.string(),
});
export type PlanText = z.infer<typeof planTextSchema>;

export const planLineSchema = z.discriminatedUnion("kind", [
  planHeaderSchema,
  planConfigurationSchema,
  loadSessionSchema,
  planPromptSchema,
  planTrialLineSchema,
  planTextSchema,
]);

export interface Plan {
  readonly header: PlanHeader;
  readonly configurations: readonly PlanConfiguration[];
  /** Named as in files and in `plan --json`. */
  readonly blocks: readonly LoadSession[];
  readonly trials: readonly PlanTrial[];
  readonly texts: readonly PlanText[];
}
