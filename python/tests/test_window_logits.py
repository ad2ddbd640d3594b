"""Logits that are computed in slices equal those of the whole window, and the model's body runs once for all slices."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, OPTConfig, OPTForCausalLM

from falcon_exp.worker.trial.window_logits import BODY_BYTES, cached_logits, window_logits, windows_at_once

_VOCABULARY = 500
_CONTEXT = 64
_SCORED = 31
#: Room for ten positions.
_MOST_BYTES = 10 * _VOCABULARY * 4

_LLAMA: dict[str, Any] = {
    "vocab_size": _VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": _CONTEXT,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_GPT2 = {"vocab_size": _VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": _CONTEXT}
#: What follows the body differs: nothing, a soft cap, a scale, a head tied to the embedding.
_MODELS: dict[str, dict[str, Any]] = {
    "llama": _LLAMA,
    "gemma2": {**_LLAMA, "final_logit_softcapping": 3.0},
    "granite": {**_LLAMA, "logits_scaling": 4.0},
    "cohere": {**_LLAMA, "logit_scale": 0.25},
    "gpt2": {**_GPT2, "bos_token_id": 1, "eos_token_id": 2},
    "falcon": {key: value for key, value in _LLAMA.items() if key != "head_dim"},
}


def _model(kind: str) -> Any:
    torch.manual_seed(3)
    config = AutoConfig.for_model(kind, **_MODELS[kind])
    return AutoModelForCausalLM.from_config(config).to(torch.float64).eval()


def _ids() -> torch.Tensor:
    return torch.randint(3, _VOCABULARY, (1, _CONTEXT), generator=torch.Generator().manual_seed(5))


def _count_calls(module: Any) -> list[int]:
    calls: list[int] = []
    module.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("kind", _MODELS)
def test_slices_are_the_logits_of_the_scored_positions_of_one_forward(kind: str) -> None:
    model = _model(kind)
    with torch.no_grad():
        plain = model(_ids(), use_cache=False).logits[0, _CONTEXT - 1 - _SCORED : -1]
    layers = _count_calls(model.get_submodule(f"{model.base_model_prefix}.{'h' if kind in _H else 'layers'}.0"))
    slices = list(window_logits(model, _ids(), _SCORED, _MOST_BYTES))
    assert [one.shape[0] for one in slices] == [7, 8, 8, 8]
    assert float((torch.cat(slices) - plain).abs().max()) < 1e-12
    assert len(layers) == 1
    (whole,) = window_logits(model, _ids(), _SCORED)
    assert float((whole - plain).abs().max()) < 1e-12


_H = ("gpt2", "falcon")


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
@pytest.mark.parametrize("positions", [10, 70, 1000], ids=["parts of a window", "two windows", "all at once"])
def test_windows_that_are_read_together_have_the_logits_that_each_has_alone(kind: str, positions: int) -> None:
    model = _model(kind)
    ids = torch.cat([_ids(), _ids().flip(1), _ids().roll(7, 1)])
    alone = torch.cat([next(window_logits(model, one[None], _SCORED)) for one in ids])
    layers = _count_calls(model.model.layers[0])
    slices = list(window_logits(model, ids, _SCORED, positions * _VOCABULARY * 4))
    assert [one.shape[0] for one in slices] == {10: [7, 8, 8, 8] * 3, 70: [62, 31], 1000: [93]}[positions]
    assert float((torch.cat(slices) - alone).abs().max()) < 1e-12
    assert len(layers) == 1


@pytest.mark.parametrize("step", [1, 8, 128])
def test_a_window_read_through_a_cache_has_the_logits_that_it_has_without(step: int) -> None:
    model = _model("llama")
    (plain,) = window_logits(model, _ids(), _SCORED)
    parts = list(cached_logits(model, _ids(), _SCORED, DynamicCache(config=model.config), step))
    assert parts[0].shape[0] == min(step, _SCORED)
    assert float((torch.cat(parts) - plain).abs().max()) < 1e-12


def test_what_lies_before_the_scored_positions_of_a_cached_window_is_not_widened_to_the_vocabulary() -> None:
    model = _model("llama")
    widened: list[int] = []
    model.lm_head.register_forward_pre_hook(lambda _module, inputs: widened.append(inputs[0].shape[1]))
    list(cached_logits(model, _ids(), _SCORED, DynamicCache(config=model.config), 8))
    assert widened == [1, 8, 8, 8, 7]


def test_fewer_windows_are_read_together_where_a_layer_or_the_context_is_wide() -> None:
    small = _model("llama")
    assert windows_at_once(small, _CONTEXT) == 64
    wide = SimpleNamespace(config=AutoConfig.for_model("llama", hidden_size=4096, intermediate_size=11_008))
    assert [windows_at_once(wide, context) for context in (512, 2048, 8192)] == [3, 1, 1]
    assert BODY_BYTES >= 3 * 512 * (4 * 4096 + 2 * 11_008) * 4
    wide.config._attn_implementation = "eager"
    assert windows_at_once(wide, 512) == 1


def test_a_models_own_forward_is_back_after_each_slice() -> None:
    model = _model("llama")
    body = model.base_model
    plain = body.forward

    def hooked(*args: Any, **options: Any) -> Any:
        return plain(*args, **options)

    # As accelerate does if a model lies on several devices.
    body.forward = hooked
    for _ in window_logits(model, _ids(), _SCORED, _MOST_BYTES):
        assert body.__dict__["forward"] is hooked
    del body.forward
    for _ in window_logits(model, _ids(), _SCORED, _MOST_BYTES):
        assert "forward" not in body.__dict__


def test_the_own_forward_is_back_when_a_slice_fails() -> None:
    model = _model("llama")
    slices = window_logits(model, _ids(), _SCORED, _MOST_BYTES)
    next(slices)

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("no memory for the head")

    model.lm_head.register_forward_pre_hook(fail)
    with pytest.raises(torch.OutOfMemoryError):
        next(slices)
    assert "forward" not in model.base_model.__dict__


def test_a_model_whose_body_is_not_called_as_a_module_gives_its_logits_whole() -> None:
    torch.manual_seed(3)
    config = OPTConfig(
        vocab_size=_VOCABULARY,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=32,
        max_position_embeddings=_CONTEXT,
        word_embed_proj_dim=32,
    )
    model = OPTForCausalLM(config).to(torch.float64).eval()
    (logits,) = window_logits(model, _ids(), _SCORED, _MOST_BYTES)
    with torch.no_grad():
        plain = model(_ids(), use_cache=False).logits[0, -_SCORED - 1 : -1]
    assert float((logits - plain).abs().max()) < 1e-12


def test_a_model_that_cannot_keep_fewer_logits_gives_them_whole() -> None:
    all_logits = torch.randn(1, _CONTEXT, _VOCABULARY)

    class Remote:
        config = AutoConfig.for_model("llama", **_LLAMA)

        def get_output_embeddings(self) -> None:
            return None

        def forward(self, input_ids: Any, use_cache: bool) -> Any:
            return SimpleNamespace(logits=all_logits)

        __call__ = forward

    (logits,) = window_logits(Remote(), _ids(), _SCORED, _MOST_BYTES)
    assert torch.equal(logits, all_logits[0, -_SCORED - 1 : -1])
