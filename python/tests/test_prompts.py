"""Prompts that leave no room for the answer, that are empty, or that are cut to fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import ByT5Tokenizer, GenerationConfig

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.batch import prepare_batch
from falcon_exp.worker.trial.chat_template import unknown_end_token
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.prompts import fit_prompt
from tests.conftest import TINY_FALCON, configuration, generation

CONTEXT = int(TINY_FALCON["max_position_embeddings"])  # type: ignore[call-overload]
TEMPLATE = "{% for m in messages %}<{{ m['content'] }}>{% endfor %}{% if add_generation_prompt %}A:{% endif %}"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(configuration(), Devices.open())


class Templated:
    """A byte tokenizer, or one that knows no character, with the given chat template or none."""

    def __init__(self, tokenizer: Any, template: str | None) -> None:
        self._tokenizer = tokenizer
        self.chat_template = template

    def __call__(self, text: str, **options: Any) -> Any:
        return self._tokenizer(text, **options)

    def decode(self, ids: Any, **options: Any) -> str:
        return str(self._tokenizer.decode(ids, **options))

    def apply_chat_template(self, messages: Any, **options: Any) -> Any:
        return self._tokenizer.apply_chat_template(messages, chat_template=self.chat_template, **options)


def test_a_prompt_beyond_the_context_is_refused_with_its_tokens_and_the_limit(loaded: Loaded) -> None:
    with pytest.raises(WorkerError, match=r"100,001 tokens.*6 new.*128") as caught:
        fit_prompt(loaded, "x" * 100_000, generation())
    assert caught.value.code == "prompt-too-long"


def test_a_prompt_that_just_fits_is_taken_whole(loaded: Loaded) -> None:
    # The byte tokenizer adds one end token.
    room = CONTEXT - 6 - 1
    fitted = fit_prompt(loaded, "x" * room, generation())
    assert (len(fitted.content), fitted.input_tokens, fitted.truncated_tokens) == (room, CONTEXT - 6, 0)
    with pytest.raises(WorkerError):
        fit_prompt(loaded, "x" * (room + 1), generation())


@pytest.mark.parametrize(("side", "kept"), [("right", "beginning"), ("left", "end")])
def test_a_long_prompt_is_cut_at_the_side_that_was_asked_for(loaded: Loaded, side: str, kept: str) -> None:
    text = "beginning" + "x" * 100_000 + "end"
    fitted = fit_prompt(loaded, text, generation(truncate_prompts=side))
    content = str(fitted.content)
    assert content.startswith(kept) or content.endswith(kept)
    assert fitted.input_tokens == CONTEXT - 6
    assert fitted.input_tokens + fitted.truncated_tokens == len(text) + 1
    inputs = prepare_batch(loaded, [fitted], generation()).inputs
    assert int(inputs["input_ids"].shape[1]) == fitted.input_tokens


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    side=st.sampled_from(["right", "left"]),
    # Room for one character of four bytes and the end token.
    limit=st.integers(min_value=6, max_value=60),
)
def test_what_is_cut_is_a_part_of_the_prompt_in_whole_characters_and_fits(
    loaded: Loaded, text: str, side: str, limit: int
) -> None:
    wanted = generation(truncate_prompts=side, max_new_tokens=None, max_length=limit)
    fitted = fit_prompt(loaded, text, wanted)
    content = str(fitted.content)
    assert text.startswith(content) if side == "right" else text.endswith(content)
    assert 0 < fitted.input_tokens < limit
    assert (fitted.truncated_tokens == 0) == (content == text)


def test_a_chat_templates_own_tokens_are_never_cut(loaded: Loaded) -> None:
    chat = replace(loaded, tokenizer=Templated(loaded.tokenizer, TEMPLATE))
    fitted = fit_prompt(chat, "x" * 1000, generation(truncate_prompts="right"))
    batch = prepare_batch(chat, [fitted], generation())
    read = loaded.tokenizer.decode(batch.inputs["input_ids"][0], skip_special_tokens=True)
    assert batch.templated
    assert read.startswith("<xx")
    assert read.endswith("x>A:")
    assert fitted.input_tokens == CONTEXT - 6


DATED = "{{ strftime_now('%d %B %Y') }}: {{ messages[0]['content'] }}"


def test_a_template_writes_the_same_date_every_day_and_it_is_told(loaded: Loaded) -> None:
    chat = replace(loaded, tokenizer=Templated(loaded.tokenizer, DATED))
    fitted = fit_prompt(chat, "hello", generation())
    read = prepare_batch(chat, [fitted], generation()).inputs["input_ids"][0]
    assert "01 January 2026: hello" in loaded.tokenizer.decode(read)
    assert fitted.template_date == "2026-01-01"
    plain = replace(loaded, tokenizer=Templated(loaded.tokenizer, TEMPLATE))
    assert fit_prompt(plain, "hello", generation()).template_date is None


@pytest.mark.parametrize(
    ("template", "is_lost"),
    [
        (TEMPLATE, False),
        ("{{ messages[0]['content'] | trim }}!", False),
        ("{% for part in messages[0]['content'] %}{{ part['text'] }}{% endfor %}A:", True),
    ],
)
def test_a_template_that_loses_the_prompts_text_is_told(loaded: Loaded, template: str, is_lost: bool) -> None:
    chat = replace(loaded, tokenizer=Templated(loaded.tokenizer, template))
    assert fit_prompt(chat, "  what is a\nfalcon? ", generation()).is_lost is is_lost


@pytest.mark.parametrize(("end", "told"), [("</s>", None), ("<pad>", "<pad>"), ("", None)])
def test_an_end_token_that_the_model_does_not_end_at_is_told(loaded: Loaded, end: str, told: str | None) -> None:
    template = "{% for m in messages %}<{{ m['content'] }}" + end + "\n{% endfor %}"
    tokenizer = ByT5Tokenizer()
    tokenizer.chat_template = template
    settings = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    assert unknown_end_token(tokenizer, settings) == told


def test_a_limit_that_leaves_no_character_is_refused_even_where_prompts_are_cut(loaded: Loaded) -> None:
    with pytest.raises(WorkerError) as caught:
        fit_prompt(loaded, "hello", generation(truncate_prompts="right", max_new_tokens=CONTEXT))
    assert caught.value.code == "prompt-too-long"


def test_a_prompt_that_gives_no_token_is_refused_in_words(loaded: Loaded) -> None:
    def no_tokens(_text: str, **_options: Any) -> Any:
        import torch

        return {"input_ids": torch.zeros((1, 0), dtype=torch.int64)}

    blank = Templated(no_tokens, None)
    with pytest.raises(WorkerError) as caught:
        fit_prompt(replace(loaded, tokenizer=blank), "", generation())
    assert caught.value.code == "prompt-empty"


def test_max_length_beyond_the_context_is_a_setting_that_cannot_be(loaded: Loaded) -> None:
    with pytest.raises(WorkerError) as caught:
        fit_prompt(loaded, "hello", generation(max_new_tokens=None, max_length=CONTEXT + 1))
    assert caught.value.code == "generation-invalid"
    told = r"max_length is 2,000 tokens; the model's context is 128 less a depth of 28\."
    with pytest.raises(WorkerError, match=told):
        fit_prompt(loaded, "hello", generation(max_new_tokens=None, max_length=2000, depth=28))
