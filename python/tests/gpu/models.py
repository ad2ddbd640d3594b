"""What the GPU tests load: one model drawn from a seed, and a geometry that is too large for the card."""

from __future__ import annotations

import copy
from typing import Any

from tests.conftest import configuration

_LLAMA: Any = {
    "model_type": "llama",
    "vocab_size": 384,
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "dtype": "bfloat16",
}

#: 186 million parameters in 16 layers: as much work as a real small model, at milliseconds per token.
CARD_LLAMA = {
    **_LLAMA,
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 16,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "max_position_embeddings": 16384,
}

#: The same for simulated cards, which compute on the CPU.
SIMULATED_LLAMA = {
    **_LLAMA,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}

SEED = 16

#: As an experiment names them; the proof must read each of them back.
QUANTIZATIONS = ["none", "int8", "fp4", "nf4-double"]


def configure_folder(quantization: str, folder: str, device: str) -> Any:
    """The configuration of the model that was drawn into ``folder``, with one quantization."""
    return configuration(quantization, model={"source": "path", "path": folder}, device=device)


def configure_geometry(quantization: str, config: Any, device: str) -> Any:
    """The configuration of a model that is drawn from the seed while it loads."""
    model = {"source": "random", "config": copy.deepcopy(config), "seed": SEED, "tokenizer": "bytes"}
    return configuration(quantization, model=model, device=device)


def write_too_large_config(memory_bytes: int) -> Any:
    """Layers as wide as those of a model of 405 billion parameters, and too many to fit even at 4 bits per weight."""
    hidden, intermediate, heads, kv_heads = 16384, 53248, 128, 8
    layer_values = 2 * hidden**2 * (1 + kv_heads / heads) + 3 * hidden * intermediate
    return {
        **_LLAMA,
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": 1 + int(1.5 * memory_bytes / (layer_values / 2)),
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": 8192,
    }
