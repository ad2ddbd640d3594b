/**
 * The one definition of `summary.json` (docs/results.md): what is written has this type, and each reader picks what it needs.
 * Keys with a default were added after version 1 was first written, so older summaries lack them.
 */
import { z } from "zod";
import { MEMORY_METRICS } from "../metrics/memory.js";
import { LOAD_SUMMARY_METRICS, SUMMARY_METRICS, shapeOf } from "../metrics/registry.js";
import { nonNegativeInt, positiveInt } from "../protocol/common.js";
import { cacheSchema } from "../protocol/configuration.js";
import { fingerprintsSchema, quantizationEffectiveSchema } from "../protocol/measurements.js";
import { lmEvalResultSchema } from "../protocol/quality.js";
import { failureSchema, repeatsEndSchema, reusedFromSchema, runEndRecordSchema } from "./record-types.js";
import { taskLossSchema } from "./task-losses.js";

export const SUMMARY_SCHEMA_VERSION = 1;

type ReadonlyDeep<T> = T extends readonly (infer Item)[]
  ? readonly ReadonlyDeep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> }
    : T;

const nullableNumber = z.number().nullable().default(null);
const interval95 = { ci95_low: nullableNumber, ci95_high: nullableNumber };
export type Interval = ReadonlyDeep<z.infer<z.ZodObject<typeof interval95>>>;
const estimated = z.object({ value: z.number(), ...interval95 });

const statisticsSchema = z.object({
  n: nonNegativeInt,
  mean: z.number(),
  median: z.number(),
  sd: nullableNumber,
  min: z.number(),
  max: z.number(),
  ...interval95,
});

/** Each percentile is null if there are too few samples for it. */
const percentilesSchema = z.object({
  n: nonNegativeInt,
  p50: nullableNumber,
  p90: nullableNumber,
  p99: nullableNumber,
});
export type Percentiles = ReadonlyDeep<z.infer<typeof percentilesSchema>>;

const verdictSchema = z.enum(["less", "more", "same", "within-noise", "too-few-repeats", "disturbed"]);
export type Verdict = z.infer<typeof verdictSchema>;

/** A ratio over pairs of trials, this ÷ reference, and the verdict on it. */
const effectSchema = z.object({
  ratio: z.number(),
  pairs: nonNegativeInt,
  /** Number of loads of each configuration that the pairs come from. */
  loads: nonNegativeInt.default(1),
  /** The interval that decides the verdict; null if there is none. */
  ci99_low: nullableNumber,
  ci99_high: nullableNumber,
  verdict: verdictSchema,
});
export type Effect = ReadonlyDeep<z.infer<typeof effectSchema>>;

const answerDivergenceSchema = z.object({
  pairs: nonNegativeInt,
  equal: nonNegativeInt,
  /** 1-based position of the first token that differs, as the median over the answers that differ; null if none does. */
  first_difference_median: z.number().nullable(),
  first_difference_min: z.number().nullable(),
});
export type AnswerDivergence = ReadonlyDeep<z.infer<typeof answerDivergenceSchema>>;

/** One configuration compared with its reference. Ratios are this ÷ reference: below 1 is less. */
const comparisonSchema = z.object({
  /** Pairs of trials that completed under both, with the same prompt and the same repeat. */
  pairs: nonNegativeInt,
  /** Those pairs in which a trial was disturbed; they are not used for times. */
  pairs_disturbed: nonNegativeInt.default(0),
  /** Bytes of weights, this ÷ reference; exact. */
  weights_ratio: z.number().nullable(),
  /** Null if the two measured different kinds of memory, or none. */
  memory: effectSchema.nullable(),
  /** Compares elapsed_sec, the time of whole answers. */
  time: effectSchema.nullable(),
  /** Compares tpot_sec. */
  time_per_token: effectSchema.nullable().default(null),
  /** Which of the two the sentence judges the speed by: the time per token if the answers have different lengths. */
  judged_by: z.enum(["time", "time_per_token"]).default("time"),
  /** Pairs whose output tokens are the same (by hash). */
  answers_equal: nonNegativeInt,
  answer_divergence: answerDivergenceSchema.nullable(),
  /** What it costs and what it saves, in plain words. */
  sentence: z.string(),
});
export type Comparison = ReadonlyDeep<z.infer<typeof comparisonSchema>>;

const driftPointSchema = z.object({
  /** 1 middle, 2 end. */
  position: nonNegativeInt,
  /** Time per output token at this position ÷ that at the start, paired by prompt. */
  time: effectSchema,
});
export type DriftPoint = ReadonlyDeep<z.infer<typeof driftPointSchema>>;
const driftSchema = z.object({
  configuration: z.string(),
  points: z.array(driftPointSchema),
  sentence: z.string(),
});
export type Drift = ReadonlyDeep<z.infer<typeof driftSchema>>;

const estimateCheckSchema = z.object({
  weights_bytes: z.number(),
  /**
   * Of the same kind as the measured `peak_memory_bytes`: the allocator's on a GPU; on a CPU, including the process before its
   * load.
   */
  peak_memory_bytes: z.number().nullable(),
  /** Estimated ÷ measured (the median over trials, as in tables and charts); null if nothing was measured. */
  weights_ratio: z.number().nullable(),
  peak_memory_ratio: z.number().nullable(),
  /** Estimated size of the cache for the tokens that were read and generated; older summaries lack it. */
  kv_cache_bytes: nullableNumber,
  kv_cache_ratio: nullableNumber,
});
export type EstimateCheck = ReadonlyDeep<z.infer<typeof estimateCheckSchema>>;

const profileSummarySchema = z.object({
  decode_steps: nonNegativeInt,
  /** Share of a decoding step's time outside linear layers and output head, which quantization does not change. */
  outside_linear_share: z.number(),
  linear_sec_per_token: z.number(),
  forward_sec_per_token: z.number(),
});
export type ProfileSummary = ReadonlyDeep<z.infer<typeof profileSummarySchema>>;

const klDivergenceSchema = z.object({
  /** In nats, like everything below. */
  mean: z.number(),
  ...interval95,
  median: z.number(),
  p90: z.number(),
  p99: z.number(),
  max: z.number(),
});
export type KlDivergence = ReadonlyDeep<z.infer<typeof klDivergenceSchema>>;

/** One configuration on one text. */
const qualitySummarySchema = z.object({
  text_id: z.string(),
  status: z.enum(["completed", "failed"]),
  /** Code of the failure; null if it did not fail. */
  failure_code: z.string().nullable(),
  tokens: z.number().nullable(),
  tokens_scored: z.number().nullable(),
  context: z.number().nullable(),
  /** exp(mean negative log-likelihood). */
  perplexity: estimated.nullable(),
  /** Perplexity ÷ the reference's, from paired differences token by token. */
  ppl_ratio: estimated.nullable(),
  /** KL(reference ‖ this). */
  kl_divergence: klDivergenceSchema.nullable(),
  /** KL(this ‖ reference); null if it was not asked for. */
  kl_divergence_reverse: klDivergenceSchema.nullable().default(null),
  /** Share of scored tokens at which the most likely token is the same as the reference's. */
  top1_agreement: estimated.nullable(),
  /** Why there is no comparison with the reference. */
  note: z.string().nullable(),
});
export type QualitySummary = ReadonlyDeep<z.infer<typeof qualitySummarySchema>>;

const failureSummarySchema = failureSchema.pick({
  code: true,
  message: true,
  next: true,
  phase: true,
  exit_code: true,
  signal: true,
});
export type FailureSummary = ReadonlyDeep<z.infer<typeof failureSummarySchema>>;

export const configurationSummarySchema = z.object({
  id: z.string(),
  label: z.string(),
  is_reference: z.boolean(),
  /** The configuration of the same model that it is compared with. Its own id for a reference. */
  reference_id: z.string().nullable().default(null),
  axes: z.record(z.string(), z.string()),
  /** Number of prompts that each `generate` answered together. */
  batch_size: positiveInt.default(1),
  /** Tokens that every prompt was made to have; null if prompts are unchanged. */
  prompt_tokens: positiveInt.nullable().default(null),
  /** Tokens in the cache before each trial; null if none were put there. */
  depth: positiveInt.nullable().default(null),
  /** The cache that was asked for; null if the library decided. */
  cache: cacheSchema.nullable().default(null),
  status: z.enum(["completed", "failed", "cancelled", "skipped", "interrupted", "not_run"]),
  /** Why the configuration failed, else why its first failed trial did. */
  failure: failureSummarySchema.nullable(),
  trials_planned: nonNegativeInt,
  trials_completed: nonNegativeInt,
  trials_failed: nonNegativeInt,
  /** The most loads that one round took; more than 1 if it was resumed or tried again. */
  attempts: nonNegativeInt.default(1),
  /** The earlier run that measured it; null if this one did. */
  reused_from: reusedFromSchema.nullable().default(null),
  /** One per metric of the registry; null if it was not measured. */
  ...shapeOf(LOAD_SUMMARY_METRICS, nullableNumber),
  quantization_effective: quantizationEffectiveSchema.nullable(),
  dtype: z.string().nullable(),
  device_map: z.record(z.string(), z.string()).nullable(),
  offloaded: z.boolean().nullable(),
  attn_implementation: z.string().nullable(),
  /** Fingerprints of what was loaded; if one differs, it is another model. Null in older records. */
  fingerprints: fingerprintsSchema.nullable().default(null),
  /**
   * The settings that `generate` used, including those in the model's own files but not the library's defaults. Null in older
   * records.
   */
  generation_settings: z.record(z.string(), z.json()).nullable().default(null),
  /** Which kind of memory `peak_memory_bytes` is. */
  memory_metric: z.enum(MEMORY_METRICS).nullable(),
  /** Completed trials that were disturbed. They are left out of the statistics of times if others remain. */
  trials_disturbed: nonNegativeInt.default(0),
  /** Statistics over the completed trials, one per metric of the registry; null if no trial has the value. */
  ...shapeOf(SUMMARY_METRICS, statisticsSchema.nullable().default(null)),
  /** TTFT, one per trial, and the times from one token to the next, over undisturbed trials. */
  ttft_percentiles_sec: percentilesSchema.nullable().default(null),
  itl_percentiles_sec: percentilesSchema.nullable().default(null),
  /**
   * Cost of a million tokens of answers, in the currency of `price_per_hour`, including the time to read the prompt; over
   * undisturbed trials. Null without a price.
   */
  cost_per_million_tokens: statisticsSchema.nullable().default(null),
  /** The estimate from the model's config alone, compared with what was measured; null if the records lack the model's shape. */
  estimate: estimateCheckSchema.nullable().default(null),
  /** Bytes of weights that are read for one decoded token. */
  read_per_token_bytes: nullableNumber,
  /** Share of the device's measured memory bandwidth that reading the weights takes up while decoding. */
  bandwidth_utilization: statisticsSchema.nullable().default(null),
  profile: profileSummarySchema.nullable().default(null),
  /** One per text. */
  quality: z.array(qualitySummarySchema).default([]),
  /** Metrics of lm-evaluation-harness. */
  lm_eval: z.array(lmEvalResultSchema).default([]),
  /** Why no more repeats were measured; null if nothing completed. */
  repeats_end: repeatsEndSchema.nullable().default(null),
  /** Why it is slower or faster than the reference; null if the figures do not tell. */
  why: z.string().nullable().default(null),
  /** What a reader must know before trusting the means, as sentences. */
  remarks: z.array(z.string()),
  /** Null for the reference itself, and if there is nothing to compare. */
  against_reference: comparisonSchema.nullable(),
  notices: z.array(z.object({ source: z.string(), text: z.string(), count: nonNegativeInt })),
});
export type ConfigurationSummary = ReadonlyDeep<z.infer<typeof configurationSummarySchema>>;

export const summarySchema = z.object({
  schema_version: z.literal(SUMMARY_SCHEMA_VERSION),
  run_id: z.string(),
  experiment: z.string(),
  model_name: z.string(),
  model_note: z.string().nullable().default(null),
  started_at: z.string(),
  falcon_exp_version: z.string(),
  /** Also `interrupted` if the controller was killed before it could record an end. */
  status: runEndRecordSchema.shape.status,
  elapsed_sec: z.number().nullable(),
  reference_configuration_id: z.string(),
  trials_planned: nonNegativeInt,
  trials_completed: nonNegativeInt,
  trials_failed: nonNegativeInt,
  /** How the intervals of `against_reference` were computed, and which differences count as none. */
  comparison: z
    .object({
      level: z.number(),
      method: z.string(),
      fewest_pairs: nonNegativeInt,
      smallest_difference: z.number(),
    })
    .nullable()
    .default(null),
  /** What disturbed the machine before the run, as sentences. */
  machine_remarks: z.array(z.string()).default([]),
  /** Differences in libraries and machine within the run, as sentences. */
  environment_changes: z.array(z.string()).default([]),
  /** What the records lack, and what in them could not be used, one sentence each. */
  record_problems: z.array(z.string()).default([]),
  /** In a run of several tasks: the tasks that were cut off, each with the cause and what became of its work. */
  task_losses: z.array(taskLossSchema).default([]),
  /** When the run was resumed, and by which version. */
  resumes: z.array(z.object({ at: z.string(), falcon_exp_version: z.string() })).default([]),
  /** Null without a drift probe. */
  drift: driftSchema.nullable().default(null),
  configurations: z.array(configurationSummarySchema),
});
export type RunSummary = ReadonlyDeep<z.infer<typeof summarySchema>>;
