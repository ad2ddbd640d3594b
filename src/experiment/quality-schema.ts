/** `quality:` of the experiment file, as written. */
import { z } from "zod";

/** Evaluation texts that come with falcon-exp: `texts/<name>.txt`. */
export const SHIPPED_TEXTS = ["english", "german", "french", "spanish", "code"] as const;

/** The default window of llama.cpp, so that values can be compared with its own. */
const DEFAULT_CONTEXT = 512;
/** Limits the reference's log-probabilities, which take half of these tokens × vocabulary × 2 bytes on disk. */
const DEFAULT_MAX_TOKENS = 8192;
const MAX_CONTEXT = 1_000_000;
const MAX_TEXT_TOKENS = 100_000_000;

const TEXT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const textInputSchema = z.union(
  [
    z.string().min(1, { error: "must not be empty" }),
    z.strictObject({
      id: z
        .string()
        .regex(TEXT_ID, { error: "must be 1 to 64 letters, digits, dots, dashes or underscores" })
        .optional()
        .meta({ description: "A short name for tables; default: the file's name." }),
      file: z.string().min(1).meta({ description: "A text file or JSONL, relative to this file." }),
      field: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "In JSONL: the key that holds the text; default text." }),
    }),
  ],
  { error: "must be a shipped text's name, a path, or a mapping {id, file, field}" },
);
export type TextInput = z.infer<typeof textInputSchema>;

export const lmEvalInputSchema = z.strictObject({
  tasks: z.array(z.string().min(1)).min(1).meta({ description: "Names of tasks." }),
  include_path: z.string().min(1).optional().meta({
    description: "A folder with task files of your own, relative to this file; needs trust_task_code: true.",
  }),
  trust_task_code: z
    .boolean()
    .default(false)
    .meta({ description: "Whether Python code and templates of include_path may run; default false." }),
  limit: z.int().min(1).optional().meta({ description: "Maximum number of samples per task; default all." }),
  num_fewshot: z.int().min(0).max(1000).optional().meta({ description: "Default: as each task says." }),
});
export type LmEvalInput = z.infer<typeof lmEvalInputSchema>;

export const qualityInputSchema = z
  .strictObject({
    texts: z
      .array(textInputSchema)
      .default([...SHIPPED_TEXTS])
      .meta({
        description: "english, german, french, spanish, code (all by default), paths, {id, file, field}.",
      }),
    context: z
      .int()
      .min(4)
      .max(MAX_CONTEXT)
      .default(DEFAULT_CONTEXT)
      .meta({ description: `Tokens in a window; default ${DEFAULT_CONTEXT}.` }),
    max_tokens: z
      .int()
      .min(4)
      .max(MAX_TEXT_TOKENS)
      .default(DEFAULT_MAX_TOKENS)
      .meta({ description: `Maximum number of tokens of each text; default ${DEFAULT_MAX_TOKENS}.` }),
    kl: z
      .enum(["forward", "both"])
      .default("forward")
      .meta({ description: "forward (default): KL(reference ‖ this); both: KL(this ‖ reference) as well." }),
    keep_logprobs: z
      .boolean()
      .default(false)
      .meta({ description: "Keep the reference's log-probabilities after the run; default false." }),
    lm_eval: lmEvalInputSchema.optional().meta({
      description: "Tasks of lm-evaluation-harness, on the very model that was measured.",
    }),
  })
  .meta({ description: "Perplexity, KL divergence and top-1 agreement against the reference." });
export type QualityInput = z.infer<typeof qualityInputSchema>;
