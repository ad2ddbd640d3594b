/** Models of the same kinds as those that `npm run bench:gpu` measures, with two small layers each. */

const COMMON = { vocab_size: 384, hidden_size: 256, num_hidden_layers: 2, max_position_embeddings: 512 };

export const SMALL_GEOMETRIES = {
  falcon: {
    ...COMMON,
    model_type: "falcon",
    num_attention_heads: 4,
    num_kv_heads: 2,
    new_decoder_architecture: true,
  },
  llama: {
    ...COMMON,
    model_type: "llama",
    intermediate_size: 512,
    num_attention_heads: 4,
    num_key_value_heads: 2,
  },
} as const;
