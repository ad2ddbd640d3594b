"""Conversations, system messages and switches: what reaches the model is the chat template's text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.batch import prepare_batch
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.prompts import fit_prompt
from falcon_exp.worker.wire_types import Prompt
from tests.conftest import configuration, generation
from tests.test_prompts import Templated

TEMPLATE = (
    "{% if messages[0]['role'] == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}"
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% if enable_thinking is defined and not enable_thinking %}"
    "(quick){% endif %}{% endif %}"
)
TALK: list[dict[str, str]] = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "Why?"},
]


@pytest.fixture(scope="module")
def chat() -> Loaded:
    loaded = load(configuration(), Devices.open())
    return replace(loaded, tokenizer=Templated(loaded.tokenizer, TEMPLATE))


def _read(chat: Loaded, content: Prompt, **changes: Any) -> str:
    """Returns the text that the model reads."""
    asked = generation(**changes)
    batch = prepare_batch(chat, [fit_prompt(chat, content, asked)], asked)
    return str(chat.tokenizer.decode(batch.inputs["input_ids"][0]))


@pytest.mark.parametrize(
    ("content", "changes", "text"),
    [
        ("Why?", {}, "[user]Why?[assistant]"),
        (TALK, {}, "[user]Hello[assistant]Hi[user]Why?[assistant]"),
        ("Why?", {"system": "Be brief."}, "[system]Be brief.[user]Why?[assistant]"),
        (TALK[2:], {"chat_template_kwargs": {"enable_thinking": False}}, "[user]Why?[assistant](quick)"),
        (
            [{"role": "system", "content": "Own."}, *TALK[2:]],
            {"system": "Other."},
            "[system]Own.[user]Why?[assistant]",
        ),
    ],
)
def test_messages_go_through_the_chat_template(chat: Loaded, content: Any, changes: Any, text: str) -> None:
    assert _read(chat, content, **changes) == text


def test_a_conversation_that_is_too_long_loses_of_its_last_message_alone(chat: Loaded) -> None:
    long: Any = [*TALK[:2], {"role": "user", "content": "a" + "x" * 1000}]
    with pytest.raises(WorkerError) as caught:
        fit_prompt(chat, long, generation())
    assert caught.value.code == "prompt-too-long"
    assert _read(chat, long, truncate_prompts="right").startswith("[user]Hello[assistant]Hi[user]axx")


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        ("Why?", {"chat_template_kwargs": {"enable_thoughts": False}}, "knows no enable_thoughts"),
        ([{"role": "tool", "content": "x"}], {}, "no tools here"),
        (TALK, {"chat_template": "off"}, "conversation needs a chat template, but chat_template is off"),
    ],
)
def test_what_a_chat_template_does_not_take_is_refused(chat: Loaded, content: Any, changes: Any, message: str) -> None:
    with pytest.raises(WorkerError, match=message) as caught:
        fit_prompt(chat, content, generation(**changes))
    assert caught.value.code == "generation-invalid"


@pytest.mark.parametrize(
    ("content", "changes"),
    [(TALK, {}), ("Why?", {"system": "Be brief."}), ("Why?", {"chat_template_kwargs": {"enable_thinking": True}})],
)
def test_what_needs_a_chat_template_is_refused_where_there_is_none(chat: Loaded, content: Any, changes: Any) -> None:
    plain = replace(chat, tokenizer=Templated(chat.tokenizer, None))
    with pytest.raises(WorkerError, match="needs a chat template, but the model's tokenizer has none") as caught:
        fit_prompt(plain, content, generation(**changes))
    assert caught.value.code == "generation-invalid"
