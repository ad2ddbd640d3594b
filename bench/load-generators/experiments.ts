/** An experiment whose truth is known: two configurations with the same effect. It is JSON, of which YAML is a superset. */

/** Small enough to load in a moment. */
export const MODEL_CONFIG = {
  model_type: "llama",
  vocab_size: 384,
  hidden_size: 768,
  intermediate_size: 2304,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  max_position_embeddings: 512,
  bos_token_id: 1,
  eos_token_id: 1,
} as const;

/** The slower configuration runs this many of every ten quantized layers twice (bench/slow_down.py). */
export const SLOWER = { of_ten: 5, prompt_tokens: 20, new_tokens: 48 } as const;

/** Each gives a comparison with a reference of its own, so that one start of the program serves several. */
const MODEL_SEEDS = [40, 41, 42, 43, 44] as const;
export const COMPARISONS_A_RUN = MODEL_SEEDS.length;

const SHARED = {
  prompts: [
    "A falcon dives at",
    "The quick brown fox",
    "Once upon a time",
    "Name three birds.",
    "Why is the sky blue",
  ],
  repeats: 2,
} as const;

export type ExperimentName = "identical" | "different";

/** Identical configurations generate fewer tokens, so that a hundred comparisons beside load generators take an hour, not two. */
const NEW_TOKENS: Readonly<Record<ExperimentName, number>> = { identical: 24, different: SLOWER.new_tokens };

/** Uses nf4 twice: the output head, which the second configuration names, stays unquantized in any case. */
export function describeExperiment(name: ExperimentName): string {
  const models = MODEL_SEEDS.map((seed) => ({
    config: MODEL_CONFIG,
    ...{ weights: "random", seed, tokenizer: "bytes" },
  }));
  return JSON.stringify({
    name,
    ...SHARED,
    generation: { max_new_tokens: NEW_TOKENS[name], min_new_tokens: NEW_TOKENS[name] },
    model: models[0],
    matrix: {
      model: models,
      dtype: "bfloat16",
      quantization: [{ type: "nf4" }, { type: "nf4", skip_modules: ["lm_head"] }],
    },
  });
}
