"""The cache size that is derived for a family, compared with the cache that its code creates."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from falcon_exp.worker.cache_shape import cache_shape_of, list_tensors
from falcon_exp.worker.model_config import config_from_mapping
from falcon_exp.worker.skeleton import build_skeleton
from scripts.families import list_families

TOKENS = 100


def count_live_bytes(model: Any) -> int:
    """Bytes of the cache after a prompt and one token."""
    with torch.inference_mode():
        first = model(torch.arange(3, 3 + TOKENS - 1).unsqueeze(0), use_cache=True)
        name = "cache_params" if first.get("cache_params") is not None else "past_key_values"
        cache = first[name]
        model(torch.tensor([[7]]), use_cache=True, **{name: cache})
    return sum(tensor.numel() * tensor.element_size() for layer in cache.layers for _, tensor in list_tensors(layer))


def count_estimated_bytes(shape: dict[str, Any], tokens: int) -> int:
    """Bytes of the cache by the formula of docs/estimate.md, in bfloat16."""
    windows = sum(min(tokens, one["tokens"]) * one["elements_per_token"] for one in shape["windows"])
    elements = tokens * shape["elements_per_token"] + windows + shape["fixed_elements"]
    return int(elements * 2 + shape["fixed_bytes"])


@pytest.mark.parametrize(
    "family",
    [
        "gpt_bigcode",  # one key head for all
        "falcon",  # keys copied to every head
        "mistral",  # a window
        "gemma2",  # windows in every other layer
        "llama4_text",  # chunks
        "deepseek_v3",  # the latent alone
        "mamba",
        "mamba2",
        "qwen3_next",  # linear attention in every other layer
        "zamba2",  # a shared attention
        "falcon_h1",  # attention and states in each layer
        "gemma3n_text",
    ],
)
def test_the_cache_takes_to_the_byte_what_its_shape_says(family: str) -> None:
    from transformers import AutoModelForCausalLM

    config = config_from_mapping(list_families()[family])
    shape = cache_shape_of(build_skeleton(config, trust_remote_code=False, dtype=torch.bfloat16))
    assert shape is not None
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    assert count_estimated_bytes(shape, TOKENS) == count_live_bytes(model)


def test_a_padding_token_does_not_hide_the_cache() -> None:
    config = config_from_mapping({**list_families()["gpt2"], "pad_token_id": 0})
    shape = cache_shape_of(build_skeleton(config, trust_remote_code=False, dtype=torch.bfloat16))
    assert shape is not None
    assert shape["elements_per_token"] == 512


def test_a_model_that_keeps_its_states_to_itself_is_unknown_not_free() -> None:
    config = config_from_mapping(list_families()["recurrent_gemma"])
    assert cache_shape_of(build_skeleton(config, trust_remote_code=False, dtype=torch.bfloat16)) is None
