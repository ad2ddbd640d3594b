/** The schema of one value of each matrix axis in the file. Values are checked here and interpreted in `patches.ts`. */
import { z } from "zod";
import { quantizationInputSchema } from "../quantization/registry.js";
import { cacheInputSchema } from "./cache-schema.js";
import { MAX_SEED, modelInputSchema } from "./model-schema.js";
import { anyText, text } from "./text-schema.js";

/** Far beyond any model's context; keeps a typing mistake from becoming a week of measuring. */
const MAX_TOKENS = 10_000_000;
/** Likewise: no accelerator holds the caches of this many answers. */
const MAX_BATCH = 65_536;

const tokens = (minimum: number) => z.int().min(minimum).max(MAX_TOKENS);
const seed = z
  .int()
  .min(0)
  .max(MAX_SEED)
  .meta({ description: "Base seed; repeat r (from 0) samples with seed + r. Default 0." });
const temperature = z.number().gt(0).max(100).meta({ description: "Default 1." });
const topK = z.int().min(0).max(MAX_TOKENS).meta({ description: "Default 50; 0 is off." });
const topP = z.number().gt(0).max(1).meta({ description: "Default 1 (off)." });

/** The parts of `sampling`; each is also an axis of its own. */
const samplingParts = {
  seed,
  temperature,
  top_k: topK,
  top_p: topP,
  min_p: z.number().gt(0).max(1).meta({
    description:
      "Only tokens at least this likely, as a share of the most likely token's probability; default off.",
  }),
  typical_p: z.number().gt(0).max(1).meta({ description: "Locally typical sampling; default 1 (off)." }),
  epsilon_cutoff: z
    .number()
    .gt(0)
    .lt(1)
    .meta({ description: "Only tokens at least this likely; default off." }),
  eta_cutoff: z.number().gt(0).lt(1).meta({
    description: "The same, less strict where many tokens are likely; default off.",
  }),
};
type SamplingPart = keyof typeof samplingParts;
export const SAMPLING_PARTS = Object.keys(samplingParts) as readonly SamplingPart[];

/** Options of `apply_chat_template` itself, which are not variables of the template. */
const OPTIONS_OF_THE_CALL = [
  "add_generation_prompt",
  "continue_final_message",
  "max_length",
  "padding",
  "return_dict",
  "return_tensors",
  "tokenize",
  "truncation",
];
const tokenId = z.int().min(0).max(MAX_TOKENS);

export const samplingInputSchema = z
  .union([z.literal("greedy"), z.strictObject(samplingParts).partial()], {
    error: "must be greedy, or a mapping such as {seed: 1, temperature: 0.7}",
  })
  .meta({
    description:
      "greedy (default), or a mapping of seed, temperature, top_k, top_p, min_p, typical_p, epsilon_cutoff and eta_cutoff to sample.",
  });
export type SamplingInput = z.infer<typeof samplingInputSchema>;

/** The keys of `generation`, each with the schema of one value. The same keys are also axes of the matrix. */
export const generationAxes = {
  batch_size: z.int().min(1).max(MAX_BATCH).meta({
    description:
      "Prompts answered together in one generate: a trial's own and the next ones of the list. Default 1.",
  }),
  prompt_tokens: tokens(1).meta({
    description: "Prompts of exactly this many tokens: cut or repeated, and without a chat template.",
  }),
  depth: tokens(0).meta({
    description:
      "Tokens already in the cache when a trial's clock starts, as in llama-bench; 0 (default) is none.",
  }),
  cache: cacheInputSchema,
  compile: z.enum(["auto", "none", "forward"]).meta({
    description:
      "forward compiles the decoding forward pass, over a static cache; none never does; auto (default) leaves it to Transformers.",
  }),
  max_new_tokens: tokens(1).meta({ description: "Maximum number of new tokens." }),
  max_length: tokens(1).meta({
    description: "Maximum number of prompt and new tokens together; instead of max_new_tokens.",
  }),
  min_new_tokens: tokens(0).meta({
    description: "Minimum number of new tokens: keeps an early end from shortening trials.",
  }),
  sampling: samplingInputSchema,
  num_beams: z
    .int()
    .min(1)
    .max(1000)
    .meta({ description: "Number of beams of a beam search; 1 (default) is none." }),
  prompt_lookup_num_tokens: z.int().min(0).max(1000).meta({
    description:
      "Prompt lookup decoding: how many tokens are copied from prompt and answer, and checked in one forward pass; 0 (default) is off.",
  }),
  assistant_model: z.union([z.literal("none"), modelInputSchema]).meta({
    description:
      "A second, smaller model with the same tokenizer that drafts tokens, which the model checks in one forward pass; none (default) is off.",
  }),
  num_assistant_tokens: z.int().min(1).max(1000).meta({
    description: "How many tokens the assistant drafts at a time; default: as in its own files.",
  }),
  stop: z
    .union([text, z.array(text).min(1)], { error: "must be a text, or a list of texts" })
    .meta({ description: "One or more texts that end an answer." }),
  eos_token_id: z
    .union([tokenId, z.array(tokenId).min(1)], { error: "must be a token id, or a list of them" })
    .meta({ description: "Token ids that end an answer instead of the model's own." }),
  system: anyText.meta({
    description: "The system message for prompts that have none of their own. Needs a chat template.",
  }),
  chat_template_kwargs: z
    .record(
      z.string().refine((key) => !OPTIONS_OF_THE_CALL.includes(key), {
        error: "must be a variable of the template, not an option of applying it",
      }),
      z.json(),
    )
    .meta({ description: "Variables of the chat template, such as {enable_thinking: false}." }),
  repetition_penalty: z.number().gt(0).max(100).meta({ description: "1 is none." }),
  chat_template: z
    .enum(["auto", "on", "off"])
    .meta({ description: "auto (default) applies the tokenizer's chat template if it has one." }),
  truncate_prompts: z.union([z.boolean(), z.literal("left")], { error: "must be true, false or left" }).meta({
    description:
      "Cut prompts that leave no room for the answer: true cuts their end, left their beginning; false (default) refuses them.",
  }),
};

/** Every axis of the matrix, with the schema of one of its values. */
export const axisSchemas = {
  model: modelInputSchema,
  quantization: quantizationInputSchema,
  dtype: z
    .enum(["auto", "bfloat16", "float16", "float32", "bf16", "fp16", "fp32", "float8_e4m3fn", "float8_e5m2"])
    .meta({
      description: "The dtype of what is not quantized; auto (default) is the one stored with the model.",
    }),
  device: z
    .string()
    .regex(/^(auto|cpu|mps|(cuda|xpu)(:\d+)?)$/, {
      error: "must be auto, cpu, cuda, cuda:<number>, xpu, xpu:<number> or mps",
    })
    .meta({
      description: "auto (default: every GPU, else the CPU), cpu, cuda, cuda:<n>, xpu, xpu:<n> or mps.",
    }),
  attention: z
    .enum(["auto", "eager", "sdpa", "flash_attention_2"])
    .meta({ description: "The attention kernel; auto (default) leaves it to Transformers." }),
  ...generationAxes,
  ...samplingParts,
} as const;
export type AxisName = keyof typeof axisSchemas;
export const AXIS_NAMES = Object.keys(axisSchemas) as readonly AxisName[];
