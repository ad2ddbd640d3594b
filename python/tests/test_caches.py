"""The cache, depth and compilation that a configuration asks for: what they are, what they cost, what they change."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial import cache_kinds, compilation
from falcon_exp.worker.trial.cache_kinds import refuse_unavailable_cache
from falcon_exp.worker.trial.compilation import refuse_uncompilable
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.profiling import profile
from falcon_exp.worker.trial.trial import _measure_uncompiled
from tests.conftest import SHARP_LLAMA, TINY_FALCON, configuration, trial

GPT2 = {"model_type": "gpt2", "vocab_size": 384, "n_embd": 64, "n_layer": 2, "n_head": 4, "initializer_range": 0.2}
ALIBI = {**TINY_FALCON, "new_decoder_architecture": False, "alibi": True, "initializer_range": 0.2}
#: Bytes of a token's keys and values in both layers, in float32.
TOKEN_BYTES = 2 * 2 * 128 * 4
STATIC: Any = {"type": "static"}
QUANTO: Any = {"type": "quantized", "backend": "quanto", "bits": 4, "group": 64}


def _load(config: Any = SHARP_LLAMA, quantization: str = "none") -> Loaded:
    model = {"source": "random", "config": config, "seed": 3, "tokenizer": "bytes"}
    return load(configuration(quantization, model=model, dtype="float32"), Devices.open())


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return _load()


def _measure(loaded: Loaded, *prompts: str, **changes: Any) -> Any:
    first, *others = prompts or ("What is a falcon?",)
    request: Any = {
        **trial(first, **{"max_new_tokens": 12, "min_new_tokens": 12, **changes}),
        "further_prompts": others,
    }
    return measure(loaded, request, lambda _tokens: None)


def test_a_growing_cache_takes_what_its_tokens_take_and_a_static_one_its_whole_size() -> None:
    loaded = _load()
    grown = _measure(loaded, cache={"type": "dynamic"})
    # The last token is never fed back to the model.
    assert grown["cache_bytes"] == (grown["input_tokens"] + 11) * TOKEN_BYTES
    static = _measure(loaded, cache=STATIC)
    assert static["cache_bytes"] == (static["input_tokens"] + 12) * TOKEN_BYTES
    assert static["output_ids"] == grown["output_ids"]
    proof = loaded.proof().body
    assert (proof["cache_implementation"], proof["cache_layers"]) == ("StaticCache", {"StaticLayer": 2})
    assert proof["cache_bytes"] == static["cache_bytes"]
    # As large for a short prompt as for the longest.
    assert _measure(loaded, "Why?", cache=STATIC)["cache_bytes"] == static["cache_bytes"]


def test_a_quantized_cache_is_proved_by_its_layers_and_takes_a_fraction(loaded: Loaded) -> None:
    asked = {"prompt_tokens": 200, "max_new_tokens": 2, "min_new_tokens": 2}
    plain = _measure(loaded, **asked)
    quantized = _measure(loaded, **asked, cache=QUANTO)
    proof = loaded.proof().body
    assert (proof["cache_implementation"], proof["cache_layers"]) == ("QuantizedCache", {"QuantoQuantizedLayer": 2})
    # 4 bits of 32, and a scale and a shift in float32 for each group of 64; the newest tokens are not quantized.
    assert quantized["cache_bytes"] == pytest.approx((200 * (0.5 + 8 / 64) / 4 + 1) * TOKEN_BYTES, rel=0.02)
    assert quantized["cache_bytes"] < 0.2 * plain["cache_bytes"]


def test_a_cache_that_cannot_be_made_here_is_refused_with_the_reason(loaded: Loaded) -> None:
    refused: list[tuple[Any, str]] = [
        ({"type": "quantized", "backend": "hqq", "bits": 4, "group": 64}, "hqq is not installed"),
        ({**QUANTO, "bits": 3}, "`nbits` for `quanto` backend"),
    ]
    for asked, reason in refused:
        with pytest.raises(WorkerError, match=reason) as caught:
            refuse_unavailable_cache(loaded.model, asked)
        assert caught.value.code == "cache-unavailable"
    refuse_unavailable_cache(loaded.model, None)
    refuse_unavailable_cache(loaded.model, STATIC)
    refuse_unavailable_cache(loaded.model, QUANTO)


def test_a_cache_that_is_not_the_one_asked_for_is_no_measurement() -> None:
    with pytest.raises(WorkerError, match="static was asked for, but the model was given DynamicCache") as caught:
        cache_kinds.verify_cache(STATIC, "DynamicCache", {"DynamicLayer": 2})
    assert caught.value.code == "cache-mismatch"
    with pytest.raises(WorkerError, match="its layers are HQQQuantizedLayer"):
        cache_kinds.verify_cache(QUANTO, "QuantizedCache", {"HQQQuantizedLayer": 2})


@pytest.mark.parametrize("config", [SHARP_LLAMA, GPT2, ALIBI], ids=["llama", "gpt2", "falcon-alibi"])
def test_an_answer_at_depth_is_the_answer_to_all_that_lies_before_it(config: Any) -> None:
    loaded = _load(config)
    prompts = ["What is a falcon?", "Why?"]
    deep = _measure(loaded, *prompts, depth=50, chat_template="off")
    for prompt, row in zip(prompts, deep["rows"], strict=True):
        before = loaded.tokenizer("\n\n".join([prompt] * 50))["input_ids"][:50]
        ids = torch.tensor([before + loaded.tokenizer(prompt)["input_ids"]])
        wanted = loaded.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, min_new_tokens=12, do_sample=False
        )
        assert row["output_ids"] == wanted[0, ids.shape[1] :].tolist()
    # Only the prompt is read while the clock runs.
    assert deep["input_tokens"] == sum(len(loaded.tokenizer(prompt)["input_ids"]) for prompt in prompts)
    assert deep["depth_fill_sec"] > 0
    assert len(deep["itl_sec"]) == 11


@pytest.mark.parametrize("cache", [None, STATIC, QUANTO], ids=["as usual", "static", "quantized"])
def test_depth_fills_every_kind_of_cache_and_counts_in_it(loaded: Loaded, cache: Any | None) -> None:
    plain = _measure(loaded, cache=cache)
    deep = _measure(loaded, cache=cache, depth=100)
    assert deep["cache_bytes"] >= plain["cache_bytes"]
    if cache is None:
        assert deep["cache_bytes"] - plain["cache_bytes"] == 100 * TOKEN_BYTES
    if cache == STATIC:
        assert deep["output_ids"] == _measure(loaded, depth=100)["output_ids"]
    whole = {"depth": 100, "cache": cache, "max_new_tokens": None, "max_length": 40, "min_new_tokens": None}
    assert _measure(loaded, **whole)["output_tokens"] <= 40 - deep["input_tokens"]
    assert profile(loaded, trial(depth=100, cache=cache))["decode_steps"] == 5


def test_a_depth_beyond_the_context_is_refused_with_what_is_left_of_it(loaded: Loaded) -> None:
    with pytest.raises(WorkerError, match="exceed the model's context of 512 less a depth of 500") as caught:
        _measure(loaded, depth=500)
    assert caught.value.code == "prompt-too-long"
    with pytest.raises(WorkerError, match="depth is 512 tokens"):
        _measure(loaded, depth=512)


def test_a_model_without_keys_and_values_has_no_depth() -> None:
    mamba = {"model_type": "mamba", "vocab_size": 384, "hidden_size": 32, "num_hidden_layers": 1, "state_size": 4}
    with pytest.raises(WorkerError, match="keeps none") as caught:
        _measure(_load(mamba), depth=4)
    assert caught.value.code == "generation-invalid"


@pytest.fixture
def nothing_to_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiles as far as torch's own graph, for which no compiler is needed."""
    real = compilation.apply_compile

    def apply_eagerly(settings: Any, generation: Any, device: str) -> None:
        real(settings, generation, device)
        settings.compile_config.backend = "eager"
        settings.compile_config.mode = None

    monkeypatch.setattr("falcon_exp.worker.trial.generation.apply_compile", apply_eagerly)
    # Code that another test compiled would be used again.
    torch._dynamo.reset()


@pytest.mark.usefixtures("nothing_to_build")
def test_compilation_is_counted_apart_and_no_measured_trial_holds_one() -> None:
    loaded = _load()
    asked: Any = {"cache": STATIC, "compile": "forward"}
    warm = _measure_uncompiled(loaded, trial(phase="warmup", **asked), lambda _tokens: None)
    assert warm["compilations"] > 0
    assert warm["compile_sec"] > 0
    trials = [
        _measure_uncompiled(loaded, trial(prompt, **asked), lambda _tokens: None)
        for prompt in ("What is a falcon?", "Why?", "Which?")
    ]
    assert [(one["compilations"], one["recompilations"]) for one in trials] == [(0, 0)] * 3
    # Another batch size is another shape: it is compiled for again, and measured only afterwards.
    batch: Any = {**trial(**asked), "further_prompts": ["Why?"]}
    again = _measure_uncompiled(loaded, batch, lambda _tokens: None)
    assert (again["compilations"], again["recompilations"] > 0) == (0, True)
    proof = loaded.proof().body
    assert proof["compiled"] is True
    assert proof["compilations"] == warm["compilations"] + again["recompilations"]
    assert proof["compile_sec"] > warm["compile_sec"]


@pytest.mark.usefixtures("nothing_to_build")
def test_a_model_that_torch_compiles_no_more_is_not_measured_uncompiled() -> None:
    import torch._dynamo.config as dynamo

    loaded = _load()
    # Each number of rows is a shape of its own.
    batches: list[Any] = [
        {**trial(phase="warmup", cache=STATIC, compile="forward"), "further_prompts": ["Why?"] * further}
        for further in range(3)
    ]
    with dynamo.patch(recompile_limit=2):
        for batch in batches[:2]:
            assert _measure_uncompiled(loaded, batch, lambda _tokens: None)["compilations"] > 0
        with pytest.raises(WorkerError, match="compiled 2 times") as caught:
            _measure_uncompiled(loaded, batches[2], lambda _tokens: None)
    assert caught.value.code == "compile-unsettled"


def test_what_is_compiled_in_every_try_is_not_measured(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falcon_exp.worker.trial.trial.measure", lambda *_: {"compilations": 2})
    with pytest.raises(WorkerError, match="3 tries of this trial, 6 times") as caught:
        _measure_uncompiled(loaded, trial(), lambda _tokens: None)
    assert caught.value.code == "compile-unsettled"


def test_without_a_compiler_compile_is_refused_with_the_reason(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.cpp_builder as builder

    refuse_uncompilable(loaded.model, "none")

    def find_none() -> str:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(builder, "get_cpp_compiler", find_none)
    with pytest.raises(WorkerError, match=r"no C\+\+ compiler") as caught:
        refuse_uncompilable(loaded.model, "forward")
    assert caught.value.code == "compile-unavailable"


def test_a_cache_that_was_asked_for_brings_no_compilation_along(loaded: Loaded) -> None:
    settings = _measure(loaded, cache=STATIC)["generation_settings"]
    assert settings["disable_compile"] is True
    assert settings["cache_implementation"] == "static"
    assert "disable_compile" not in _measure(loaded)["generation_settings"]
