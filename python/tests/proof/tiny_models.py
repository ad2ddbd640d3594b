"""Small models, drawn from a seed, of families that keep their weights in different places."""

from __future__ import annotations

from typing import Any

_SIZES = {
    "vocab_size": 384,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 256,
    "max_position_embeddings": 128,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mixtral": {"num_local_experts": 8, "num_experts_per_tok": 2},
    "qwen3_moe": {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 256,
        "head_dim": 32,
        "decoder_sparse_step": 1,
    },
    "gpt_oss": {"head_dim": 32, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 64},
    "llama4_text": {
        "head_dim": 32,
        "intermediate_size_mlp": 256,
        "num_local_experts": 4,
        "interleave_moe_layer_step": 2,
        "attention_chunk_size": 128,
    },
}


def tiny_model(family: str) -> dict[str, Any]:
    """The ``model`` entry of a configuration."""
    config = {"model_type": family, **_SIZES, **FAMILIES[family]}
    return {"source": "random", "config": config, "seed": 7, "tokenizer": "bytes"}
