/**
 * `summary.json` (docs/results.md), its one definition: what is written has this type, and who reads it picks what is needed. A
 * key with a default came after version 1 was first written: older summaries lack it.
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

/** Each null where there are too few samples to know it. */
const percentilesSchema = z.object({
  n: nonNegativeInt,
  p50: nullableNumber,
  p90: nullableNumber,
  p99: nullableNumber,
});
export type Percentiles = ReadonlyDeep<z.infer<typeof percentilesSchema>>;

const verdictSchema = z.enum(["less", "more", "same", "within-noise", "too-few-repeats", "disturbed"]);
export type Verdict = z.infer<typeof verdictSchema>;

/** A ratio over pairs of trials, this ÷ reference, and what may be said of it. */
const effectSchema = z.object({
  ratio: z.number(),
  pairs: nonNegativeInt,
  /** Loads of each that the pairs are of. */
  loads: nonNegativeInt.default(1),
  /** The interval that decides; null where there is none. */
  ci99_low: nullableNumber,
  ci99_high: nullableNumber,
  verdict: verdictSchema,
});
export type Effect = ReadonlyDeep<z.infer<typeof effectSchema>>;

const answerDivergenceSchema = z.object({
  pairs: nonNegativeInt,
  equal: nonNegativeInt,
  /** 1-based place of the first token that differs, its median over the answers that differ; null where none does. */
  first_difference_median: z.number().nullable(),
  first_difference_min: z.number().nullable(),
});
export type AnswerDivergence = ReadonlyDeep<z.infer<typeof answerDivergenceSchema>>;

/** One configuration beside the reference. Ratios are this ÷ reference: below 1 is less. */
const comparisonSchema = z.object({
  /** Trials completed under both: the same prompt, the same repeat. */
  pairs: nonNegativeInt,
  /** Of them those in which one was disturbed; times are not of these. */
  pairs_disturbed: nonNegativeInt.default(0),
  /** Exact: bytes of weights, this ÷ reference. */
  weights_ratio: z.number().nullable(),
  /** Null where the two measured different kinds of memory, or none. */
  memory: effectSchema.nullable(),
  /** Of elapsed_sec: of whole answers. */
  time: effectSchema.nullable(),
  /** Of tpot_sec. */
  time_per_token: effectSchema.nullable().default(null),
  /** What the sentence judges the speed by: time per token where answers are of other lengths. */
  judged_by: z.enum(["time", "time_per_token"]).default("time"),
  /** Pairs whose output tokens are the same (by hash). */
  answers_equal: nonNegativeInt,
  answer_divergence: answerDivergenceSchema.nullable(),
  /** What it costs and what it saves, as one would say it. */
  sentence: z.string(),
});
export type Comparison = ReadonlyDeep<z.infer<typeof comparisonSchema>>;

const driftPointSchema = z.object({
  /** 1 middle, 2 end. */
  position: nonNegativeInt,
  /** Time per output token, then ÷ at the start, paired by prompt. */
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
  /** Of the same kind as `peak_memory_bytes`: the allocator's on a GPU; on a CPU with the process before its load. */
  peak_memory_bytes: z.number().nullable(),
  /** Estimated ÷ measured (the median over trials, as tables and charts have it); null where nothing was measured. */
  weights_ratio: z.number().nullable(),
  peak_memory_ratio: z.number().nullable(),
  /** Of keys and values at the tokens that were read and said; older summaries lack it. */
  kv_cache_bytes: nullableNumber,
  kv_cache_ratio: nullableNumber,
});
export type EstimateCheck = ReadonlyDeep<z.infer<typeof estimateCheckSchema>>;

const profileSummarySchema = z.object({
  decode_steps: nonNegativeInt,
  /** Share of a decoding step's time outside linear layers and output head: what quantization leaves as it is. */
  outside_linear_share: z.number(),
  linear_sec_per_token: z.number(),
  forward_sec_per_token: z.number(),
});
export type ProfileSummary = ReadonlyDeep<z.infer<typeof profileSummarySchema>>;

const klDivergenceSchema = z.object({
  /** Nats, as all below. */
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
  /** Of a failure. */
  failure_code: z.string().nullable(),
  tokens: z.number().nullable(),
  tokens_scored: z.number().nullable(),
  context: z.number().nullable(),
  /** exp(mean negative log-likelihood). */
  perplexity: estimated.nullable(),
  /** Against the reference's, from paired differences token by token. */
  ppl_ratio: estimated.nullable(),
  /** KL(reference ‖ this). */
  kl_divergence: klDivergenceSchema.nullable(),
  /** KL(this ‖ reference); null where it was not asked for. */
  kl_divergence_reverse: klDivergenceSchema.nullable().default(null),
  /** Share of scored tokens whose most likely token is the reference's. */
  top1_agreement: estimated.nullable(),
  /** Why there is nothing against the reference. */
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
  /** What it is compared with: of the same model. Its own id for a reference. */
  reference_id: z.string().nullable().default(null),
  axes: z.record(z.string(), z.string()),
  /** Prompts that each `generate` answered together. */
  batch_size: positiveInt.default(1),
  /** Of every prompt; null where prompts are what they are. */
  prompt_tokens: positiveInt.nullable().default(null),
  /** Tokens that were in the cache before each trial; null without. */
  depth: positiveInt.nullable().default(null),
  /** The cache that was asked for; null where the library decided. */
  cache: cacheSchema.nullable().default(null),
  status: z.enum(["completed", "failed", "cancelled", "skipped", "interrupted", "not_run"]),
  /** Why the configuration, or else its first failed trial, failed. */
  failure: failureSummarySchema.nullable(),
  trials_planned: nonNegativeInt,
  trials_completed: nonNegativeInt,
  trials_failed: nonNegativeInt,
  /** Loads that it took, the most in one round: more than 1 where it was resumed or tried again. */
  attempts: nonNegativeInt.default(1),
  /** The earlier run that measured it; null where this one did. */
  reused_from: reusedFromSchema.nullable().default(null),
  /** One a metric of the registry; null where it was not measured. */
  ...shapeOf(LOAD_SUMMARY_METRICS, nullableNumber),
  quantization_effective: quantizationEffectiveSchema.nullable(),
  dtype: z.string().nullable(),
  device_map: z.record(z.string(), z.string()).nullable(),
  offloaded: z.boolean().nullable(),
  attn_implementation: z.string().nullable(),
  /** Of what was loaded: with another one it is another model. Null in older records. */
  fingerprints: fingerprintsSchema.nullable().default(null),
  /** What `generate` went by, the model's own files included, but for the library's defaults. Null in older records. */
  generation_settings: z.record(z.string(), z.json()).nullable().default(null),
  /** What `peak_memory_bytes` is. */
  memory_metric: z.enum(MEMORY_METRICS).nullable(),
  /** Of the completed ones: those that other work disturbed. No statistics of times are of them, where others are left. */
  trials_disturbed: nonNegativeInt.default(0),
  /** Statistics over the completed trials, one a metric of the registry; null where no trial has the value. */
  ...shapeOf(SUMMARY_METRICS, statisticsSchema.nullable().default(null)),
  /** Times to the first token, one a trial, and from one token to the next, of trials that nothing disturbed. */
  ttft_percentiles_sec: percentilesSchema.nullable().default(null),
  itl_percentiles_sec: percentilesSchema.nullable().default(null),
  /**
   * Of answers, in the currency of `price_per_hour`, reading the prompt included; over the trials that nothing disturbed. Null
   * without a price.
   */
  cost_per_million_tokens: statisticsSchema.nullable().default(null),
  /** From the model's config alone, beside what was measured; null in records that do not tell the model's shape. */
  estimate: estimateCheckSchema.nullable().default(null),
  /** Bytes of weights that one decoded token reads. */
  read_per_token_bytes: nullableNumber,
  /** Of `decode_tokens_per_sec`'s device: share of the measured memory bandwidth that reading the weights takes. */
  bandwidth_utilization: statisticsSchema.nullable().default(null),
  profile: profileSummarySchema.nullable().default(null),
  /** One a text. */
  quality: z.array(qualitySummarySchema).default([]),
  /** Metrics of lm-evaluation-harness. */
  lm_eval: z.array(lmEvalResultSchema).default([]),
  /** Why no more repeats were measured; null where nothing completed. */
  repeats_end: repeatsEndSchema.nullable().default(null),
  /** Why it is slower or faster than the reference, where the values tell; null where they do not. */
  why: z.string().nullable().default(null),
  /** What a reader must know before trusting the means, as sentences. */
  remarks: z.array(z.string()),
  /** Null for the reference itself and where there is nothing to compare. */
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
  /** `interrupted` also when the controller was killed before it could say so. */
  status: runEndRecordSchema.shape.status,
  elapsed_sec: z.number().nullable(),
  reference_configuration_id: z.string(),
  trials_planned: nonNegativeInt,
  trials_completed: nonNegativeInt,
  trials_failed: nonNegativeInt,
  /** How the intervals of `against_reference` were made, and what is called the same. */
  comparison: z
    .object({
      level: z.number(),
      method: z.string(),
      fewest_pairs: nonNegativeInt,
      smallest_difference: z.number(),
    })
    .nullable()
    .default(null),
  /** What was not quiet before the run, as sentences. */
  machine_remarks: z.array(z.string()).default([]),
  /** What of libraries and machine is not the same for all that was measured, as sentences. */
  environment_changes: z.array(z.string()).default([]),
  /** What the records lack or hold beyond what can be used, one sentence each. */
  record_problems: z.array(z.string()).default([]),
  /** Of a run in several tasks: those that were cut off, each with its cause and what became of its work. */
  task_losses: z.array(taskLossSchema).default([]),
  /** When the run was resumed, and by which version. */
  resumes: z.array(z.object({ at: z.string(), falcon_exp_version: z.string() })).default([]),
  /** Null without a drift probe. */
  drift: driftSchema.nullable().default(null),
  configurations: z.array(configurationSummarySchema),
});
export type RunSummary = ReadonlyDeep<z.infer<typeof summarySchema>>;
