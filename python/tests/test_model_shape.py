"""A model's shape as derived from its config, compared with the model itself."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from transformers import AutoConfig

from falcon_exp.worker import model_shape
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.model_shape import shape_of
from falcon_exp.worker.trial.loading import load
from scripts.families import list_families
from tests.conftest import TINY_FALCON, configuration


def _shape(**changes: object) -> dict[str, object]:
    rest = {**TINY_FALCON, **changes}
    return shape_of(AutoConfig.for_model(rest.pop("model_type"), **rest))


@pytest.mark.parametrize("quantization", ["none", "int8", "fp4", "nf4-double"])
def test_a_loaded_model_has_the_parameters_that_its_shape_says(quantization: str) -> None:
    loaded = load(configuration(quantization), Devices.open())
    shape = loaded.measurement["model_shape"]
    proof = loaded.measurement["proof"]
    assert shape["parameters"] == proof["parameters"]
    quantizable = sum(one["in_features"] * one["out_features"] * one["count"] for one in shape["quantizable_layers"])
    assert quantizable + shape["other_parameters"] == shape["parameters"]
    if quantization != "none":
        assert sum(one["count"] for one in shape["quantizable_layers"]) == proof["quantized_linear_layers"]


def test_what_the_cache_takes_is_found_out_once_however_a_model_is_quantized(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [
        load(configuration(quantization), Devices.open()).measurement["model_shape"]
        for quantization in ("none", "int8")
    ]
    remembered: dict[str, object] = {}
    load(configuration("none"), Devices.open(), remembered=remembered)
    assert len(remembered) == 1
    monkeypatch.setattr(model_shape, "cache_shape_of", lambda _: pytest.fail("found out again"))
    again = [
        load(configuration(quantization), Devices.open(), remembered=remembered).measurement["model_shape"]
        for quantization in ("none", "int8")
    ]
    assert again == shapes
    assert len(remembered) == 1


def test_what_is_remembered_of_one_model_is_not_taken_for_another() -> None:
    remembered: dict[str, object] = {}
    configs = [AutoConfig.for_model(**{**TINY_FALCON, "num_hidden_layers": layers}) for layers in (1, 2)]
    told = [shape_of(config, remembered=remembered)["cache"] for config in configs]
    assert told == [shape_of(config)["cache"] for config in configs]
    assert told[0] != told[1]


@pytest.mark.parametrize("family", ["gemma3n_text", "gpt2", "deepseek_v3", "mamba"])
def test_the_layers_of_the_shape_are_those_that_the_library_quantizes(family: str) -> None:
    source = {"source": "random", "config": list_families()[family], "seed": 7, "tokenizer": "bytes"}
    loaded = load(configuration("int8", model=source), Devices.open())
    live = Counter(
        (module.in_features, module.out_features)
        for module in loaded.model.modules()
        if type(module).__name__ == "Linear8bitLt"
    )
    shape = loaded.measurement["model_shape"]
    assert live == {(one["in_features"], one["out_features"]): one["count"] for one in shape["quantizable_layers"]}
    others = [buffer for buffer in loaded.model.buffers() if buffer.dtype != torch.bfloat16]
    assert shape["buffer_bytes"] == sum(buffer.numel() * buffer.element_size() for buffer in others)


@pytest.mark.parametrize(
    ("changes", "heads"),
    [
        ({"num_kv_heads": 2}, 4),
        ({"new_decoder_architecture": False, "multi_query": True}, 1),
        ({"new_decoder_architecture": False, "multi_query": False, "num_kv_heads": 4}, 4),
    ],
)
def test_keys_and_values_of_a_token_are_what_the_cache_of_the_live_model_holds(
    changes: dict[str, object], heads: int
) -> None:
    from transformers import AutoModelForCausalLM

    rest = {**TINY_FALCON, **changes}
    config = AutoConfig.for_model(rest.pop("model_type"), **rest)
    assert shape_of(config)["kv_elements_per_token"] == 2 * 2 * heads * 32
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.inference_mode():
        cache = model(torch.tensor([[5, 6, 7]]), use_cache=True).past_key_values
    held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    assert held == 3 * 2 * 2 * heads * 32


def test_a_tied_head_is_counted_once() -> None:
    tied, untied = _shape(tie_word_embeddings=True), _shape(tie_word_embeddings=False)
    assert isinstance(tied["parameters"], int)
    assert isinstance(untied["parameters"], int)
    assert untied["parameters"] - tied["parameters"] == 384 * 128
