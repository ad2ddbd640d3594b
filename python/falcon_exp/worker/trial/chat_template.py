"""What a chat template does: the date that it may insert, prompt text that it may lose, how it ends an answer."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.generation_settings import end_ids
from falcon_exp.worker.wire_types import Generation, Prompt

#: The date that templates take for today: with the real one, the same prompt would be different tomorrow.
TEMPLATE_DATE = datetime(2026, 1, 1, 12, 0)

#: A text that no template would write by itself.
_ANSWER = "falcon-exp-answer"


class _FrozenDatetime(datetime):
    """Stands in for the library's ``datetime``, and counts how often it was asked for today's date."""

    times_asked = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Returns the same date every time."""
        cls.times_asked += 1
        return TEMPLATE_DATE


def freeze_date() -> None:
    """From now on, every template in this process that asks for today's date gets ``TEMPLATE_DATE``.

    transformers/utils/chat_template_utils.py, ``strftime_now``: the library has no parameter for it.
    """
    from transformers.utils import chat_template_utils

    chat_template_utils.datetime = _FrozenDatetime


class WrittenDate:
    """Whether a template has asked for today's date since this object was made."""

    def __init__(self) -> None:
        self._before = _FrozenDatetime.times_asked

    def told(self) -> str | None:
        """Returns the date that was inserted; None if none was."""
        return TEMPLATE_DATE.date().isoformat() if _FrozenDatetime.times_asked > self._before else None


def render(tokenizer: Any, content: Prompt, generation: Generation, **options: Any) -> Any:
    """Renders a text as the user's only message, or a conversation, up to where the answer begins.

    Raises WorkerError ``generation-invalid`` if the template does not accept the prompt or one of its variables.
    """
    from jinja2.exceptions import TemplateError

    messages = [{"role": "user", "content": content}] if isinstance(content, str) else content
    system = generation.get("system")
    if system is not None and all(message["role"] != "system" for message in messages):
        messages = [{"role": "system", "content": system}, *messages]
    variables = generation.get("chat_template_kwargs") or {}
    for name in variables:
        # A setting that the template does not have would be measured as if it took effect.
        if name not in str(tokenizer.chat_template):
            raise WorkerError("generation-invalid", f"The model's chat template knows no {name}.")
    try:
        return tokenizer.apply_chat_template(messages, add_generation_prompt=True, **variables, **options)
    except TemplateError as error:
        raise WorkerError(
            "generation-invalid", f"The model's chat template does not take this prompt: {error}"
        ) from error


def loses_text(tokenizer: Any, content: Prompt, generation: Generation) -> bool:
    """Whether the rendered prompt lacks the question's text: some templates expect a list of parts instead of text."""
    rendered = render(tokenizer, content, generation, tokenize=False)
    asked = content if isinstance(content, str) else content[-1]["content"]
    return " ".join(asked.split()) not in " ".join(str(rendered).split())


def unknown_end_token(tokenizer: Any, generation_config: Any) -> str | None:
    """Returns the token that ends the template's answers if ``generate`` does not stop at it; None if all is well."""
    if tokenizer.chat_template is None:
        return None
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _ANSWER}]
    try:
        rendered = str(tokenizer.apply_chat_template(messages, tokenize=False))
    except Exception:
        # A template that does not support answers does not show how they end.
        return None
    _, found, after = rendered.rpartition(_ANSWER)
    if not found:
        return None
    ids = tokenizer(after.lstrip(), add_special_tokens=False)["input_ids"][:1]
    if not ids or ids[0] not in set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values()):
        return None
    return None if ids[0] in end_ids(generation_config) else str(tokenizer.convert_ids_to_tokens(ids[0]))
