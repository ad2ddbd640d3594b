"""From a prompt to its tokens, and whether it leaves room for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.chat_template import WrittenDate, loses_text, render
from falcon_exp.worker.trial.loading import Loaded
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
    limit = _most_input_tokens(loaded.model.config, generation)
    if limit is None or tokens <= limit:
        is_lost = templated and loses_text(loaded.tokenizer, prompt, generation)
        return FittedPrompt(prompt, tokens, 0, template_date=date.told(), is_lost=is_lost)
    if side == "no":
        raise _too_long(loaded.model.config, tokens, generation)
    # Cuts whole characters of the text before the template is applied: cutting tokens would cut the template's end off.
    whole = prompt if isinstance(prompt, str) else prompt[-1]["content"]

    def cut(keep: int) -> Prompt:
        kept = _cut(whole, keep, side)
        return kept if isinstance(prompt, str) else [*prompt[:-1], {**prompt[-1], "content": kept}]

    fits, too_many = 0, len(whole)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if count(cut(middle)) <= limit:
            fits = middle
        else:
            too_many = middle
    shortened = cut(fits)
    kept = count(shortened)
    if fits == 0 or kept > limit:
        raise _too_long(loaded.model.config, tokens, generation)
    is_lost = templated and loses_text(loaded.tokenizer, shortened, generation)
    return FittedPrompt(shortened, kept, tokens - kept, template_date=date.told(), is_lost=is_lost)


def _fit_exactly(loaded: Loaded, prompt: Prompt, wanted: int, generation: Generation) -> FittedPrompt:
    """Returns the prompt's first ``wanted`` tokens, repeating the text if it has fewer; without the chat template."""
    if generation["chat_template"] == "on":
        raise WorkerError("generation-invalid", "chat_template is on, but prompt_tokens leaves no room for a template.")
    plain: Generation = {**generation, "chat_template": "off"}
    _uses_template(loaded.tokenizer, prompt, plain)
    assert isinstance(prompt, str)
    limit = _most_input_tokens(loaded.model.config, generation)
    if limit is not None and wanted > limit:
        raise _too_long(loaded.model.config, wanted, generation)
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

    Raises whatever ``fit_prompt`` raises.
    """
    contents, generation = [request["prompt"], *request.get("further_prompts", [])], request["generation"]
    fitted = [fit_prompt(loaded, content, generation) for content in contents]
    lengths = [one.input_tokens for one in fitted]
    # Rows are padded to the longest prompt, and then all have as many new tokens as the shortest one may.
    padding = 0 if generation["max_length"] is None else max(lengths) - min(lengths)
    for one in fitted:
        loaded.cache_room.admit(count_cached_tokens(one, generation) + padding)
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


def _context(config: Any) -> int | None:
    """Returns the model's context in tokens; None if it has no limit of its own."""
    text_config = config.get_text_config()
    if getattr(text_config, "alibi", False):
        return None
    context: int | None = getattr(text_config, "max_position_embeddings", None)
    return context


def _most_input_tokens(config: Any, generation: Generation) -> int | None:
    """Returns the most tokens that a prompt may have; None if any prompt leaves room."""
    context = _context(config)
    depth = int(generation.get("depth") or 0)
    if context is not None and depth >= context:
        raise WorkerError("generation-invalid", f"depth is {depth:,} tokens; the model's context is {context:,}.")
    if context is not None:
        context -= depth
    max_length = generation["max_length"]
    if max_length is None:
        return None if context is None else context - (generation["max_new_tokens"] or 0)
    if context is not None and max_length > context:
        raise WorkerError(
            "generation-invalid",
            f"max_length is {max_length:,} tokens; the model's context is {context + depth:,}{_less(depth)}.",
        )
    return int(max_length) - 1


def _too_long(config: Any, tokens: int, generation: Generation) -> WorkerError:
    max_length = generation["max_length"]
    if max_length is not None:
        return WorkerError(
            "prompt-too-long",
            f"The prompt has {tokens:,} tokens, so max_length {max_length:,} leaves no room for an answer.",
        )
    return WorkerError(
        "prompt-too-long",
        f"The prompt's {tokens:,} tokens and {generation['max_new_tokens']:,} new ones exceed the model's context "
        f"of {_context(config):,}{_less(int(generation.get('depth') or 0))}.",
    )


def _less(depth: int) -> str:
    return f" less a depth of {depth:,}" if depth > 0 else ""
