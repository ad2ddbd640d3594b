/** What one value of each matrix axis may look like in the file. Checked here, given its meaning in `patches.ts`. */
import { z } from "zod";
import { quantizationInputSchema } from "../quantization/registry.js";
import { MAX_SEED, modelInputSchema } from "./model-schema.js";

/** Far beyond any model's context; keeps a slip of the keyboard from becoming a week of measuring. */
const MAX_TOKENS = 10_000_000;
/** Likewise: no accelerator holds the caches of so many answers. */
const MAX_BATCH = 65_536;

const tokens = (minimum: number) => z.int().min(minimum).max(MAX_TOKENS);
const seed = z
  .int()
  .min(0)
  .max(MAX_SEED)
  .meta({ description: "Base seed; repeat r (from 0) samples with seed + r. Default 0." });
const temperature = z.number().gt(0).max(100).meta({ description: "Default 1." });
const topK = z.int().min(1).max(MAX_TOKENS).meta({ description: "Default 50." });
const topP = z.number().gt(0).max(1).meta({ description: "Default 1 (off)." });

export const samplingInputSchema = z
  .union(
    [
      z.literal("greedy"),
      z.strictObject({
        seed: seed.optional(),
        temperature: temperature.optional(),
        top_k: topK.optional(),
        top_p: topP.optional(),
      }),
    ],
    { error: "must be greedy, or a mapping such as {seed: 1, temperature: 0.7}" },
  )
  .meta({ description: "greedy (default), or a mapping of seed, temperature, top_k and top_p to sample." });
export type SamplingInput = z.infer<typeof samplingInputSchema>;

/** The generation keys with one value each; the same in `generation` and as axes. */
export const generationAxes = {
  batch_size: z.int().min(1).max(MAX_BATCH).meta({
    description:
      "Prompts answered together in one generate: a trial's own and the next ones of the list. Default 1.",
  }),
  prompt_tokens: tokens(1).meta({
    description: "Prompts of exactly so many tokens: cut, or repeated, and without a chat template.",
  }),
  max_new_tokens: tokens(1).meta({ description: "New tokens at most." }),
  max_length: tokens(1).meta({
    description: "Prompt and new tokens together, at most; instead of max_new_tokens.",
  }),
  min_new_tokens: tokens(0).meta({
    description: "New tokens at least: keeps an early end from cutting trials short.",
  }),
  sampling: samplingInputSchema,
  repetition_penalty: z.number().gt(0).max(100).meta({ description: "1 is none." }),
  chat_template: z
    .enum(["auto", "on", "off"])
    .meta({ description: "auto (default) applies the tokenizer's chat template where it has one." }),
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
  seed,
  temperature,
  top_k: topK,
  top_p: topP,
} as const;
export type AxisName = keyof typeof axisSchemas;
export const AXIS_NAMES = Object.keys(axisSchemas) as readonly AxisName[];
