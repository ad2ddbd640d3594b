/** Two experiments whose truth is known. YAML is a superset of JSON. */

/** Small enough to be loaded in a moment, large enough that its weights are read from memory and not from caches. */
export const MODEL_CONFIG = {
  model_type: "llama",
  vocab_size: 384,
  hidden_size: 768,
  intermediate_size: 2304,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  max_position_embeddings: 512,
  bos_token_id: 1,
  eos_token_id: 1,
} as const;

/** For what is identical in effect any size will do: fewer layers are loaded sooner. */
const SMALLER_CONFIG = { ...MODEL_CONFIG, num_hidden_layers: 4 } as const;

/** Layers that stay in bfloat16, which takes longer here than nf4: how many decides by how much. */
const PLAIN_LAYERS = 5;
export const SLOWER = {
  skip_modules: [...Array.from({ length: PLAIN_LAYERS }, (_, layer) => `model.layers.${layer}`), "lm_head"],
  prompt_tokens: 20,
  new_tokens: 24,
} as const;

/** Each gives a comparison of its own, with its own reference: a start of the program serves several. */
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
  generation: { max_new_tokens: SLOWER.new_tokens, min_new_tokens: SLOWER.new_tokens },
  repeats: 2,
} as const;

export type ExperimentName = "identical" | "different";

export const EXPERIMENTS: Readonly<Record<ExperimentName, string>> = {
  // The output head stays unquantized in any case.
  identical: describeExperiment("identical", SMALLER_CONFIG, ["lm_head"]),
  different: describeExperiment("different", MODEL_CONFIG, SLOWER.skip_modules),
};

function describeExperiment(name: string, config: object, skip_modules: readonly string[]): string {
  const models = MODEL_SEEDS.map((seed) => ({ config, weights: "random", seed, tokenizer: "bytes" }));
  return JSON.stringify({
    name,
    ...SHARED,
    model: models[0],
    matrix: {
      model: models,
      dtype: "bfloat16",
      quantization: [{ type: "nf4" }, { type: "nf4", skip_modules }],
    },
  });
}
