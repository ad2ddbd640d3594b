/** How much quality is lost: perplexity and, against the reference, KL divergence and top-1 agreement (docs/quality.md). */
import { z } from "zod";
import { bytes, nonNegativeInt, positiveInt, seconds } from "./common.js";
import { cacheSchema } from "./configuration.js";

/**
 * `write` keeps the log-probabilities in `folder` for the configurations that are compared with this one; `read`
 * compares with those that are kept there; `none` does neither.
 */
export const logprobsUseSchema = z.discriminatedUnion("mode", [
  z.strictObject({ mode: z.literal("write"), folder: z.string().min(1) }),
  z.strictObject({ mode: z.literal("read"), folder: z.string().min(1) }),
  z.strictObject({ mode: z.literal("none") }),
]);
export type LogprobsUse = z.infer<typeof logprobsUseSchema>;

export const qualityRequestBodySchema = z.strictObject({
  text_id: z.string().min(1),
  text: z.string().min(1),
  /** Tokens per window. */
  context: z.int().min(4),
  /** The text is cut after this many tokens; null = whole. */
  max_tokens: positiveInt.nullable(),
  logprobs: logprobsUseSchema,
  /** `both`: KL(this ‖ reference) as well. */
  kl: z.enum(["forward", "both"]).optional(),
  /** The cache through which the text is read, if that changes the numbers; absent if the text is read without one. */
  cache: cacheSchema.optional(),
});

/** How the reference's log-probabilities were kept, and how exact that is. */
export const storedLogprobsSchema = z.strictObject({
  bytes,
  positions: positiveInt,
  vocabulary: positiveInt,
  /** Largest difference, in nats, between a kept log-probability and the exact one: half of the widest step. */
  largest_error_nats: z.number().min(0),
});

/** Raw values of one text, one entry per scored token; the report computes statistics from them. */
export const qualityMeasurementSchema = z.strictObject({
  text_id: z.string(),
  /** Tokens of the text, after `max_tokens`. */
  tokens: positiveInt,
  context: positiveInt,
  windows: positiveInt,
  /** Position in each window of the first token that is predicted and scored: half of `context`, plus one. */
  first_scored: positiveInt,
  /** Whether each window's first token was replaced by the tokenizer's beginning-of-sequence token. */
  bos_replaced: z.boolean(),
  /** Hash over the ids that were fed, so that only equal tokens are compared. */
  token_ids_sha256: z.string(),
  /** Negative log-likelihood of each scored token, nats. */
  token_nll: z.array(z.number().min(0)),
  /** Null if there was nothing to compare with; `against_reference_note` says why. */
  against_reference: z
    .strictObject({
      /** KL(reference ‖ this) at each scored position, nats. */
      kl_nats: z.array(z.number().min(0)),
      /** KL(this ‖ reference); null unless both directions were asked for. */
      kl_reverse_nats: z.array(z.number().min(0)).nullable().default(null),
      /** 1 if the most likely token is the same as the reference's, else 0. */
      top1_equal: z.array(z.union([z.literal(0), z.literal(1)])),
    })
    .nullable(),
  against_reference_note: z.string().nullable(),
  stored: storedLogprobsSchema.nullable(),
  /** Class of the cache through which the text was read; null if it was read without one. */
  cache: z.string().nullable().default(null),
  /** The number of windows in one forward pass. */
  windows_at_once: positiveInt.nullable().default(null),
  /** The most memory that the logits of a window, or of a slice of it, took at once. */
  logits_bytes: bytes.nullable(),
  elapsed_sec: seconds,
});
export type QualityMeasurement = z.infer<typeof qualityMeasurementSchema>;

export const lmEvalRequestBodySchema = z.strictObject({
  tasks: z.array(z.string().min(1)).min(1),
  /** Folder with the user's own task files; null = only the library's. */
  include_path: z.string().min(1).nullable(),
  /** The most samples per task; null = all. */
  limit: positiveInt.nullable(),
  /** Null = as each task defines it. */
  num_fewshot: nonNegativeInt.nullable(),
  seed: nonNegativeInt,
});

/** One metric of one task of lm-evaluation-harness. */
export const lmEvalResultSchema = z.strictObject({
  task: z.string(),
  /** Version of the task's definition, as the library prints it. */
  task_version: z.string().nullable(),
  metric: z.string(),
  filter: z.string(),
  higher_is_better: z.boolean().nullable(),
  value: z.number(),
  stderr: z.number().min(0).nullable(),
  samples: nonNegativeInt,
  num_fewshot: nonNegativeInt.nullable(),
  /** Hash over the hashes of all samples in order: equal exactly if the same questions were asked. */
  samples_sha256: z.string().nullable(),
});
export type LmEvalResult = z.infer<typeof lmEvalResultSchema>;

export const lmEvalMeasurementSchema = z.strictObject({
  library_version: z.string(),
  results: z.array(lmEvalResultSchema),
  /** Task → a hash of each sample (question, prompt and target), in order: shows which questions two runs share. */
  sample_hashes: z.record(z.string(), z.array(z.string())),
  elapsed_sec: seconds,
});
