/** What the worker is asked to load. Every default is already filled in, and every path is absolute. */
import { z } from "zod";
import { quantizationSchema } from "../quantization/registry.js";
import { nonNegativeInt, positiveInt } from "./common.js";

/** The embedded default model, already converted: `path` is its folder in the cache. */
const builtinModel = z.strictObject({
  source: z.literal("builtin"),
  name: z.string().min(1),
  path: z.string().nullable(),
});
const pathModel = z.strictObject({ source: z.literal("path"), path: z.string().min(1) });
const hubModel = z.strictObject({
  source: z.literal("hub"),
  repo: z.string().min(1),
  revision: z.string().nullable(),
});

/**
 * `trust_remote_code` and `workarounds` belong to the configuration, not here, because they do not say where weights come from.
 */
export const modelSourceSchema = z.discriminatedUnion("source", [
  builtinModel,
  pathModel,
  hubModel,
  /**
   * A LoRA adapter, from a folder or the hub, on its base: put on the loaded model, or merged into its weights before the load.
   */
  z.strictObject({
    source: z.literal("adapted"),
    base: z.discriminatedUnion("source", [builtinModel, pathModel, hubModel]),
    adapter: z.union([z.string().min(1), hubModel]),
    merged: z.boolean(),
  }),
  /** Weights drawn from `seed` for a config given inline; `tokenizer` is `bytes` or a folder. */
  z.strictObject({
    source: z.literal("random"),
    config: z.record(z.string(), z.json()),
    /** Paths in `config` to whole numbers that were written as floats (30.0), because JavaScript's JSON writes 30.0 as 30 too. */
    floats: z.array(z.array(z.string()).min(1)).min(1).optional(),
    seed: nonNegativeInt,
    tokenizer: z.string().min(1),
  }),
]);
export type ModelSource = z.infer<typeof modelSourceSchema>;
export type AdapterPlace = Extract<ModelSource, { source: "adapted" }>["adapter"];

/** `auto` = the dtype stored in the model's config. The float8 types exist in torch but run on few devices. */
export const dtypeSchema = z.enum(["auto", "float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"]);
export type Dtype = z.infer<typeof dtypeSchema>;

export const attentionSchema = z.enum(["auto", "eager", "sdpa", "flash_attention_2"]);
export type Attention = z.infer<typeof attentionSchema>;

/** `auto` = device_map="auto": every GPU, else the CPU. */
export const deviceSchema = z
  .string()
  // Python uses this pattern too: there `$` would allow a newline at the end, and `\d` the digits of any script.
  .regex(/^(auto|cpu|mps|cuda(:[0-9]+)?)(?![\s\S])/);

/** The cache of keys and values. A quantized one is kept by a separate library (`backend`), in groups with a scale each. */
export const cacheSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("dynamic") }),
  z.strictObject({ type: z.literal("static") }),
  z.strictObject({
    type: z.literal("quantized"),
    backend: z.enum(["quanto", "hqq"]),
    bits: positiveInt,
    group: positiveInt,
  }),
]);
export type Cache = z.infer<typeof cacheSchema>;

/** Keys of `generation` that were added later: older plans and records lack them, and null asks for nothing. */
const laterGenerationShape = {
  /** Texts that end an answer: it ends with the token that completes one of them. */
  stop: z.array(z.string().min(1)).min(1).nullable().default(null),
  /** Token ids that end an answer instead of the model's own. */
  eos_token_id: z.array(nonNegativeInt).min(1).nullable().default(null),
  min_p: z.number().gt(0).max(1).nullable().default(null),
  typical_p: z.number().gt(0).max(1).nullable().default(null),
  epsilon_cutoff: z.number().gt(0).lt(1).nullable().default(null),
  eta_cutoff: z.number().gt(0).lt(1).nullable().default(null),
  num_beams: z.int().min(2).nullable().default(null),
  /** The number of tokens that are copied from the prompt and the answer so far, and checked in one forward pass. */
  prompt_lookup_num_tokens: positiveInt.nullable().default(null),
  /** The system message for prompts that have none of their own. */
  system: z.string().min(1).nullable().default(null),
  /** Variables of the chat template. */
  chat_template_kwargs: z.record(z.string(), z.json()).nullable().default(null),
  cache: cacheSchema.nullable().default(null),
  /** The number of tokens in the cache before a trial's clock starts. */
  depth: positiveInt.nullable().default(null),
  /**
   * A model, in the configuration's dtype and unquantized, that drafts tokens; the main model checks them in one forward pass.
   */
  assistant_model: modelSourceSchema.nullable().default(null),
  /** The number of tokens that the assistant drafts at a time; null leaves this to the assistant's own files. */
  num_assistant_tokens: positiveInt.nullable().default(null),
  /** `forward`: the decoding forward pass is compiled; null leaves this to the library. */
  compile: z.enum(["none", "forward"]).nullable().default(null),
};
export const UNUSED_GENERATION = z.strictObject(laterGenerationShape).parse({});

export const generationSchema = z.strictObject({
  /** The most new tokens; exactly one of this and `max_length` is not null. */
  max_new_tokens: positiveInt.nullable(),
  /** The most prompt and new tokens together, as in the article; exactly one of this and `max_new_tokens` is not null. */
  max_length: positiveInt.nullable(),
  min_new_tokens: nonNegativeInt.nullable(),
  sampling: z.enum(["greedy", "sample"]),
  /** Base seed; trial r (from 0) uses seed + r, so repeats differ. Recorded even when greedy. */
  seed: nonNegativeInt,
  temperature: z.number().gt(0).nullable(),
  /** 0 turns it off. */
  top_k: nonNegativeInt.nullable(),
  top_p: z.number().gt(0).max(1).nullable(),
  repetition_penalty: z.number().gt(0).nullable(),
  /** `auto` = on exactly when the tokenizer has a template. */
  chat_template: z.enum(["auto", "on", "off"]),
  /** What happens to a prompt that leaves no room for its answer: it is refused, or cut at its end or its beginning. */
  truncate_prompts: z.enum(["no", "right", "left"]),
  /** Prompts are cut or repeated to exactly this many tokens, without the chat template; absent if they are used as they are. */
  prompt_tokens: positiveInt.optional(),
  ...laterGenerationShape,
});
export type Generation = z.infer<typeof generationSchema>;

export const workerConfigurationSchema = z.strictObject({
  id: z.string().min(1),
  label: z.string().min(1),
  model: modelSourceSchema,
  quantization: quantizationSchema,
  dtype: dtypeSchema,
  device: deviceSchema,
  attention: attentionSchema,
  trust_remote_code: z.boolean(),
  /** `auto` applies the known cures for library defects (docs/worker.md); `none` leaves the libraries as they are. */
  workarounds: z.enum(["auto", "none"]),
});
export type WorkerConfiguration = z.infer<typeof workerConfigurationSchema>;
