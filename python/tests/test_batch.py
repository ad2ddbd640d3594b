"""Several prompts in one ``generate``: each row answers as its prompt does alone and is counted up to its own end."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import CompileConfig

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.context import read_row_limit
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.prompts import admit_prompt, fit_prompts
from tests.conftest import TINY_FALCON, configuration, generation, trial

PROMPTS = ["What is a falcon?", "Why?", "Tell me of the sea, of ships, and of what is left of both."]
#: Families that padding affects differently: positions by rotation, by bias, learned, and none at all.
SIZE = {"vocab_size": 384, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
FAMILIES: dict[str, dict[str, Any]] = {
    "falcon": TINY_FALCON,
    "falcon-alibi": {**TINY_FALCON, "new_decoder_architecture": False, "alibi": True},
    "llama": {**SIZE, "model_type": "llama", "intermediate_size": 96},
    "gpt2": {"model_type": "gpt2", "vocab_size": 384, "n_embd": 64, "n_layer": 2, "n_head": 4},
    "bloom": {**SIZE, "model_type": "bloom", "n_head": 4},
    "mamba": {"model_type": "mamba", "vocab_size": 384, "hidden_size": 64, "num_hidden_layers": 2, "state_size": 8},
}


def _load(family: str = "llama", further: dict[str, Any] | None = None, **changes: Any) -> Loaded:
    # Weights ten times as large as usual, because with small ones every answer repeats a single token.
    config = {**FAMILIES[family], "initializer_range": 0.2, "eos_token_id": 1, "bos_token_id": 1, **(further or {})}
    model = {"source": "random", "config": config, "seed": 3, "tokenizer": "bytes"}
    return load(configuration(model=model, dtype="float32", **changes), Devices.open())


def _measure(loaded: Loaded, prompts: list[str], **changes: Any) -> Any:
    request: Any = {**trial(prompts[0], **{"max_new_tokens": 12, **changes}), "further_prompts": prompts[1:]}
    return measure(loaded, request, lambda _tokens: None)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_in_a_batch_equals_its_answer_alone(family: str) -> None:
    loaded = _load(family)
    alone = [_measure(loaded, [prompt])["output_ids"] for prompt in PROMPTS]
    together = _measure(loaded, PROMPTS)
    assert [row["output_ids"] for row in together["rows"]] == alone
    # Otherwise the comparison would prove nothing.
    assert len({tuple(answer) for answer in alone}) == 3
    assert len({token for answer in alone for token in answer}) > 3
    assert together["output_ids"] == alone[0]


def test_tokens_are_of_all_rows_and_times_of_each() -> None:
    measured = _measure(_load(), PROMPTS, min_new_tokens=12)
    rows = measured["rows"]
    assert [row["input_tokens"] for row in rows] == [len(prompt) + 1 for prompt in PROMPTS]
    assert measured["input_tokens"] == sum(row["input_tokens"] for row in rows)
    assert [row["output_tokens"] for row in rows] == [12, 12, 12]
    assert measured["output_tokens"] == 36
    assert len(measured["itl_sec"]) == 11
    assert measured["batch_tokens_per_sec"] == pytest.approx(3 * measured["decode_tokens_per_sec"])
    assert measured["prefill_tokens_per_sec"] == pytest.approx(measured["input_tokens"] / measured["ttft_sec"])


def test_a_batch_of_one_has_no_rows_and_one_rate() -> None:
    measured = _measure(_load(), PROMPTS[:1])
    assert measured["rows"] is None
    assert measured["batch_tokens_per_sec"] == pytest.approx(measured["decode_tokens_per_sec"])


def test_tokens_behind_a_rows_own_end_are_not_counted() -> None:
    loaded = _load()
    alone = [_measure(loaded, [prompt])["output_ids"] for prompt in PROMPTS]
    end = next(token for token in alone[1] if token not in alone[0] + alone[2])
    loaded.model.generation_config.eos_token_id = end
    measured = _measure(loaded, PROMPTS, min_new_tokens=None)
    rows = measured["rows"]
    ended = alone[1].index(end) + 1
    assert rows[1]["output_ids"] == alone[1][:ended]
    assert [row["finish_reason"] for row in rows] == ["length", "eos", "length"]
    assert [row["output_tokens"] for row in rows] == [12, ended, 12]
    assert measured["output_tokens"] == 24 + ended
    assert len(measured["itl_sec"]) == 11
    decoding_sec = 11 / measured["decode_tokens_per_sec"]
    assert measured["batch_tokens_per_sec"] == pytest.approx((24 + ended - 3) / decoding_sec)


def test_max_length_is_each_prompts_own_and_not_the_padded_ones() -> None:
    loaded = _load()
    wanted: Any = {"max_new_tokens": None, "max_length": 64, "min_new_tokens": None}
    request: Any = {**trial(PROMPTS[0], **wanted), "further_prompts": PROMPTS[1:]}
    rows = measure(loaded, request, lambda _tokens: None)["rows"]
    alone = [measure(loaded, trial(prompt, **wanted), lambda _tokens: None)["output_ids"] for prompt in PROMPTS]
    assert [row["output_ids"] for row in rows] == alone
    assert len({len(answer) for answer in alone}) > 1


def test_padding_is_no_token_that_a_penalty_on_repeating_sees() -> None:
    loaded = _load()
    # Tokenizers often pad with the token that ends an answer.
    loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    alone = [_measure(loaded, [prompt], repetition_penalty=3.0)["output_ids"] for prompt in PROMPTS]
    together = _measure(loaded, PROMPTS, repetition_penalty=3.0)
    assert [row["output_ids"] for row in together["rows"]] == alone


def test_a_batch_is_profiled_as_a_batch() -> None:
    from falcon_exp.worker.trial.profiling import profile

    loaded = _load()
    shapes: list[int] = []
    loaded.model.register_forward_pre_hook(
        lambda _module, _args, options: shapes.append(options["input_ids"].shape[0]), with_kwargs=True
    )
    request: Any = {**trial(PROMPTS[0]), "further_prompts": PROMPTS[1:]}
    profile(loaded, request)
    assert set(shapes) == {3}


def test_a_profile_is_never_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    from falcon_exp.worker.trial.profiling import profile

    loaded = _load()
    settings = loaded.model.generation_config
    settings.cache_implementation = "static"
    # As on an accelerator, but with a backend that has nothing to build.
    settings.compile_config = CompileConfig(backend="eager", mode=None, fullgraph=False)
    settings.compile_config._compile_all_devices = True
    compiled: list[Any] = []
    monkeypatch.setattr(type(loaded.model), "get_compiled_call", lambda _self, config: compiled.append(config))
    profile(loaded, trial(PROMPTS[0]))
    assert compiled == []


def test_a_prompt_is_cut_or_repeated_to_exactly_as_many_tokens() -> None:
    loaded = _load()
    long = "A long text about the sea. " * 40
    measured = _measure(loaded, ["Why?", long], prompt_tokens=100)
    assert [row["input_tokens"] for row in measured["rows"]] == [100, 100]
    assert measured["chat_template_applied"] is False
    request: Any = {"prompt": "Why?", "further_prompts": [long], **_wanted(100)}
    short, cut = fit_prompts(loaded, request)
    assert loaded.tokenizer.decode(short.ids, skip_special_tokens=True).startswith("Why?\n\nWhy?")
    assert cut.ids == tuple(loaded.tokenizer(long)["input_ids"][:100])


def test_more_prompt_tokens_than_the_context_has_room_for_are_refused() -> None:
    loaded = _load("falcon")
    with pytest.raises(WorkerError, match="120 tokens and 12 new ones exceed the model's context of 128"):
        _measure(loaded, ["Why?"], prompt_tokens=120)


def _wanted(tokens: int) -> Any:
    return {"generation": generation(prompt_tokens=tokens)}


@pytest.mark.parametrize("depth", [None, 20])
def test_under_max_length_a_static_cache_holds_the_longest_prompt_with_the_shortest_ones_answer(
    depth: int | None,
) -> None:
    prompts = [PROMPTS[2][:40], "Why?"]
    limits = {"max_new_tokens": None, "max_length": 60, "min_new_tokens": None, "depth": depth}
    loaded = _load()
    loaded.model.generation_config.eos_token_id = None
    expected = _measure(loaded, prompts, **limits)["rows"]
    static = _load()
    static.model.generation_config.eos_token_id = None
    found = _measure(static, prompts, cache={"type": "static"}, **limits)["rows"]
    assert [row["output_tokens"] for row in expected] == [19, 55]
    assert [row["output_ids"] for row in found] == [row["output_ids"] for row in expected]
    # The shorter prompt and its answer have 60 tokens, behind 36 more of padding.
    assert static.cache_room.tokens == 60 + 36 + (depth or 0)


def test_a_profile_of_a_batch_takes_as_many_steps_as_its_trial() -> None:
    from falcon_exp.worker.trial.profiling import profile

    loaded = _load()
    loaded.model.generation_config.eos_token_id = None
    limits: dict[str, Any] = {"max_new_tokens": None, "max_length": 60, "min_new_tokens": None}
    request: Any = {**trial(PROMPTS[2][:40], **limits), "further_prompts": ["Why?"]}
    # The first of the 55 tokens comes with the prompt.
    assert profile(loaded, request)["decode_steps"] == 54


@pytest.mark.parametrize("ending", [{"stop": True}, {"sampling": "sample", "seed": 5, "eos_token_id": list(range(40))}])
def test_a_profile_ends_where_its_trial_does(ending: dict[str, Any]) -> None:
    from falcon_exp.worker.trial.profiling import profile

    loaded = _load()
    asked: dict[str, Any] = {"max_new_tokens": 40, "min_new_tokens": None, **ending}
    if "stop" in asked:
        answer = _measure(loaded, PROMPTS[:1], max_new_tokens=40, min_new_tokens=40)["output_text"]
        asked["stop"] = [answer[6:8]]
    measured = _measure(loaded, PROMPTS[:1], **asked)
    torch.manual_seed(1)
    assert profile(loaded, trial(PROMPTS[0], **asked))["decode_steps"] == len(measured["itl_sec"])
    assert measured["output_tokens"] < 40


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_batch_that_would_break_behind_the_context_is_refused_and_no_other(family: str) -> None:
    context = {"n_positions": 64} if family == "gpt2" else {"max_position_embeddings": 64}
    loaded = _load(family, context)
    loaded.model.generation_config.eos_token_id = None
    prompts = [PROMPTS[2][:40], "Why?"]
    limits: dict[str, Any] = {"max_new_tokens": None, "min_new_tokens": None}
    # The prompts have 41 and 5 tokens: the last token that is read is at 59 + 36 - 1.
    if family == "gpt2":
        with pytest.raises(WorkerError, match=r"reaches token 94\. Beyond 64, this model's positions end") as caught:
            _measure(loaded, prompts, max_length=59, **limits)
        assert caught.value.code == "generation-invalid"
        # With 30 tokens less, the longest prompt would not fit.
        assert caught.value.next_step == "Set batch_size to 1, or limit answers by max_new_tokens."
    else:
        past = _measure(loaded, prompts, max_length=59, **limits)["rows"]
        assert [row["output_tokens"] for row in past] == [18, 54]
    alone = _measure(loaded, prompts[1:], max_length=59, **limits)
    assert alone["output_tokens"] == 54
    alike = _measure(loaded, ["Why?", "Who?"], max_length=64, **limits)["rows"]
    assert [row["output_tokens"] for row in alike] == [59, 59]


def test_a_batch_up_to_the_last_position_runs() -> None:
    loaded = _load("gpt2", {"n_positions": 64})
    loaded.model.generation_config.eos_token_id = None
    limits: dict[str, Any] = {"max_new_tokens": None, "min_new_tokens": None}
    rows = _measure(loaded, ["What is?", "Why?"], max_length=61, **limits)["rows"]
    assert [row["output_tokens"] for row in rows] == [52, 56]
    with pytest.raises(WorkerError, match="reaches token 65") as caught:
        _measure(loaded, ["What is?", "Why?"], max_length=62, **limits)
    assert caught.value.next_step is not None
    assert caught.value.next_step.startswith("Lower max_length by 1, set batch_size to 1,")


def _read_limit_of(rope: dict[str, Any] | None, **further: Any) -> int | None:
    config = {**FAMILIES["llama"], "max_position_embeddings": 64, **further}
    model = {"source": "random", "config": {**config, "rope_parameters": rope}, "seed": 3, "tokenizer": "bytes"}
    return read_row_limit(load(configuration(model=model, dtype="float32"), Devices.open()).model)


def test_a_batch_may_go_on_as_far_as_positions_are_computed_one_by_one() -> None:
    assert _read_limit_of({"rope_type": "default", "rope_theta": 1e4}) is None
    assert _read_limit_of({"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}) is None
    assert _read_limit_of({"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}) == 64
    factors = {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
    longrope = {"rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 32, **factors}
    assert _read_limit_of(longrope) == 32
    assert read_row_limit(_load("gpt2", {"n_positions": 64}).model) == 64
    assert read_row_limit(_load("mamba").model) is None
    assert read_row_limit(_load("falcon-alibi").model) is None


def test_layers_with_positions_of_several_types_have_the_lowest_limit() -> None:
    types = {
        "full_attention": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    }
    gemma = {**SIZE, "model_type": "gemma3_text", "intermediate_size": 96, "head_dim": 16, "num_key_value_heads": 4}
    model = {
        "source": "random",
        "config": {**gemma, "max_position_embeddings": 64, "rope_parameters": types},
        "seed": 3,
        "tokenizer": "bytes",
    }
    assert read_row_limit(load(configuration(model=model, dtype="float32"), Devices.open()).model) == 64


def test_static_caches_of_all_batches_have_the_same_room() -> None:
    loaded = _load()
    loaded.model.generation_config.eos_token_id = None
    limits: dict[str, Any] = {"max_new_tokens": None, "max_length": 60, "min_new_tokens": None}
    asked: dict[str, Any] = {**limits, "cache": {"type": "static"}}
    prompts = ["Why?", "What?", PROMPTS[2][:20], PROMPTS[2][:40]]
    for prompt in prompts:
        admit_prompt(loaded, prompt, generation(**asked))
    batches = [_measure(loaded, [prompts[0], other], **asked) for other in prompts[1:]]
    assert len({batch["cache_bytes"] for batch in batches}) == 1
