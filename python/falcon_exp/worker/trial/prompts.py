"""From a prompt to its tokens, and whether it leaves room for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.chat_template import WrittenDate, loses_text, render
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.trial.prompt_limits import find_prompt_limit, refuse_past_row_limit
from falcon_exp.worker.wire_types import GenerateBody, Generation, ProfileBody, Prompt, PromptMeasurement

#: Tensors that a decoder-only model takes; some tokenizers add more, which `generate` refuses.
_MODEL_INPUTS = ("input_ids", "attention_mask")
_AS_TENSORS = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}


@dataclass(frozen=True)
class FittedPrompt:
    """A prompt that leaves room for its answer."""

    content: Prompt
    input_tokens: int
    #: Cut off because ``truncate_prompts`` asked for it.
    truncated_tokens: int
    #: The tokens themselves if ``prompt_tokens`` sets their number: there may be no text with exactly that many.
    ids: tuple[int, ...] | None = None
    #: The date that the chat template inserted; None if it inserts none.
    template_date: str | None = None
    #: Whether the chat template leaves the prompt's text out.
    is_lost: bool = False

    def measurement(self) -> PromptMeasurement:
        """``promptMeasurementSchema`` of the wire format."""
        return {"input_tokens": self.input_tokens, "truncated_tokens": self.truncated_tokens}


def fit_prompt(loaded: Loaded, prompt: Prompt, generation: Generation) -> FittedPrompt:
    """Returns the prompt, truncated if that was asked for and necessary; in a conversation, the last message is cut.

    Raises WorkerError ``prompt-too-long``, ``prompt-empty`` or ``generation-invalid``.
    """
    wanted = generation.get("prompt_tokens")
    if wanted is not None:
        return _fit_exactly(loaded, prompt, wanted, generation)
    templated = _uses_template(loaded.tokenizer, prompt, generation)
    side = generation["truncate_prompts"]
    date = WrittenDate()

    def count(content: Prompt) -> int:
        return _token_count(_tokenize(loaded.tokenizer, content, generation, templated))

    tokens = count(prompt)
    if tokens == 0:
        raise WorkerError("prompt-empty", "The prompt gives the model no token to begin with.")
    limit = find_prompt_limit(loaded.model.config, generation)
    most = limit.most_tokens
    if most is None or tokens <= most:
        is_lost = templated and loses_text(loaded.tokenizer, prompt, generation)
        return FittedPrompt(prompt, tokens, 0, template_date=date.told(), is_lost=is_lost)
    if side == "no":
        limit.refuse_longer(tokens)
    # Cuts whole characters of the text before the template is applied: cutting tokens would cut the template's end off.
    text = prompt if isinstance(prompt, str) else prompt[-1]["content"]

    def cut(keep: int) -> Prompt:
        kept = _cut(text, keep, side)
        return kept if isinstance(prompt, str) else [*prompt[:-1], {**prompt[-1], "content": kept}]

    fits, too_many = 0, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if count(cut(middle)) <= most:
            fits = middle
        else:
            too_many = middle
    shortened = cut(fits)
    kept = count(shortened)
    if fits == 0 or kept > most:
        limit.refuse_longer(tokens)
    is_lost = templated and loses_text(loaded.tokenizer, shortened, generation)
    return FittedPrompt(shortened, kept, tokens - kept, template_date=date.told(), is_lost=is_lost)


def _fit_exactly(loaded: Loaded, prompt: Prompt, wanted: int, generation: Generation) -> FittedPrompt:
    """Returns the prompt's first ``wanted`` tokens, repeating the text if it has fewer; without the chat template."""
    if generation["chat_template"] == "on":
        raise WorkerError("generation-invalid", "chat_template is on, but prompt_tokens leaves no room for a template.")
    plain: Generation = {**generation, "chat_template": "off"}
    _uses_template(loaded.tokenizer, prompt, plain)
    assert isinstance(prompt, str)
    find_prompt_limit(loaded.model.config, generation).refuse_longer(wanted)
    return FittedPrompt(prompt, wanted, 0, tuple(repeat_to(loaded.tokenizer, prompt, wanted)))


def repeat_to(tokenizer: Any, text: str, wanted: int) -> list[int]:
    """Returns the text's first ``wanted`` tokens, repeating it if it has fewer. Raises WorkerError ``prompt-empty``."""
    while True:
        ids: list[int] = tokenizer(text)["input_ids"]
        if len(ids) >= wanted:
            return ids[:wanted]
        if len(ids) == 0:
            raise WorkerError("prompt-empty", "The prompt gives the model no token to begin with.")
        text += "\n\n" + text


def admit_prompt(loaded: Loaded, prompt: Prompt, generation: Generation) -> FittedPrompt:
    """Returns the prompt as ``fit_prompt`` does, and makes room for it and its answer in static caches.

    A prompt that is longer than an assistant can read is refused and not cut: the model would answer another prompt
    than without the assistant.
    """
    fitted = fit_prompt(loaded, prompt, generation)
    if generation.get("assistant_model") is not None:
        config = loaded.assistant.model.config
        find_prompt_limit(config, generation, "the assistant's context").refuse_longer(fitted.input_tokens)
    loaded.cache_room.admit(fitted.input_tokens, count_cached_tokens(fitted, generation))
    return fitted


def count_cached_tokens(fitted: FittedPrompt, generation: Generation) -> int:
    """Returns how many tokens a cache must hold: those before the prompt, the prompt and its answer."""
    new, together = generation["max_new_tokens"], generation["max_length"]
    if new is not None:
        own = fitted.input_tokens + new
    else:
        assert together is not None
        own = together
    return (generation.get("depth") or 0) + own


def fit_prompts(loaded: Loaded, request: GenerateBody | ProfileBody) -> list[FittedPrompt]:
    """Returns the rows of a request's batch, its own prompt first, and makes room for each in a static cache.

    Raises WorkerError ``generation-invalid`` if positions of the batch would pass the model's limit, and whatever
    ``fit_prompt`` raises.
    """
    contents, generation = [request["prompt"], *request.get("further_prompts", [])], request["generation"]
    fitted = [admit_prompt(loaded, content, generation) for content in contents]
    if generation["max_length"] is not None and len(fitted) > 1:
        refuse_past_row_limit(loaded.model, [one.input_tokens for one in fitted], generation)
        loaded.cache_room.admit_batches(count_cached_tokens(fitted[0], generation))
    return fitted


def tokenize_prompt(loaded: Loaded, fitted: FittedPrompt, generation: Generation) -> tuple[Any, bool]:
    """Returns (tensors on the host, whether the chat template was applied)."""
    if fitted.ids is not None:
        ids = torch.tensor([fitted.ids])
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, False
    templated = _uses_template(loaded.tokenizer, fitted.content, generation)
    return _tokenize(loaded.tokenizer, fitted.content, generation, templated), templated


def _uses_template(tokenizer: Any, content: Prompt, generation: Generation) -> bool:
    asked = generation["chat_template"]
    has_template = tokenizer.chat_template is not None
    templated = has_template if asked == "auto" else asked == "on"
    needing = [
        *([] if isinstance(content, str) else ["A conversation"]),
        *(["system"] if generation.get("system") is not None else []),
        *(["chat_template_kwargs"] if generation.get("chat_template_kwargs") is not None else []),
    ]
    if not has_template and (templated or needing):
        needs = f"{needing[0]} needs a chat template" if needing else "chat_template is on"
        raise WorkerError("generation-invalid", f"{needs}, but the model's tokenizer has none.")
    if needing and not templated:
        raise WorkerError("generation-invalid", f"{needing[0]} needs a chat template, but chat_template is off.")
    return templated


def _tokenize(tokenizer: Any, content: Prompt, generation: Generation, templated: bool) -> Any:
    inputs = (
        render(tokenizer, content, generation, **_AS_TENSORS) if templated else tokenizer(content, return_tensors="pt")
    )
    for name in [name for name in inputs if name not in _MODEL_INPUTS]:
        del inputs[name]
    return inputs


def _token_count(inputs: Any) -> int:
    return int(inputs["input_ids"].shape[1])


def _cut(prompt: str, keep: int, side: str) -> str:
    return prompt[:keep] if side == "right" else prompt[len(prompt) - keep :]
