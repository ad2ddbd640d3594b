"""What a chat template does: the date that it may write, a prompt's text that it loses, how it ends an answer."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from falcon_exp.worker.trial.generation_settings import end_ids

#: What a template takes for today: with the real date the same prompt would be another one tomorrow.
TEMPLATE_DATE = datetime(2026, 1, 1, 12, 0)

#: Nothing that a template would write by itself.
_ANSWER = "falcon-exp-answer"


class _FrozenDatetime(datetime):
    """Stands in for the library's ``datetime``, and counts how often it was asked for today."""

    times_asked = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Always the same."""
        cls.times_asked += 1
        return TEMPLATE_DATE


def freeze_date() -> None:
    """From now on, in this process, whatever template asks for today is told ``TEMPLATE_DATE``.

    transformers/utils/chat_template_utils.py, ``strftime_now``: the library has no parameter for it.
    """
    from transformers.utils import chat_template_utils

    chat_template_utils.datetime = _FrozenDatetime


class WrittenDate:
    """Whether a template asked for today since this was made."""

    def __init__(self) -> None:
        self._before = _FrozenDatetime.times_asked

    def told(self) -> str | None:
        """The date that was written; None where none was."""
        return TEMPLATE_DATE.date().isoformat() if _FrozenDatetime.times_asked > self._before else None


def render(tokenizer: Any, prompt: str, **options: Any) -> Any:
    """The prompt as the user's only message, and where the answer begins."""
    messages = [{"role": "user", "content": prompt}]
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, **options)


def loses_text(tokenizer: Any, prompt: str) -> bool:
    """Whether the rendered prompt lacks the prompt's text: some templates want parts where others want text."""
    rendered = render(tokenizer, prompt, tokenize=False)
    return " ".join(prompt.split()) not in " ".join(str(rendered).split())


def unknown_end_token(tokenizer: Any, generation_config: Any) -> str | None:
    """The token by which the template ends an answer, where ``generate`` does not end at it; None where all is well."""
    if tokenizer.chat_template is None:
        return None
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _ANSWER}]
    try:
        rendered = str(tokenizer.apply_chat_template(messages, tokenize=False))
    except Exception:
        # A template that knows no answers says nothing of their end.
        return None
    _, found, after = rendered.rpartition(_ANSWER)
    if not found:
        return None
    ids = tokenizer(after.lstrip(), add_special_tokens=False)["input_ids"][:1]
    if not ids or ids[0] not in set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values()):
        return None
    return None if ids[0] in end_ids(generation_config) else str(tokenizer.convert_ids_to_tokens(ids[0]))
