"""How long a prompt may be, so that it and its answer stay within the context of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.context import can_run_past_context, read_context
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.wire_types import Generation


@dataclass(frozen=True)
class PromptLimit:
    """The limit of one configuration's prompts."""

    #: None if any prompt leaves room for its answer.
    most_tokens: int | None
    _context: int | None
    _context_name: str
    _generation: Generation

    def describe_excess(self, tokens: int) -> WorkerError:
        """Returns WorkerError ``prompt-too-long`` for a prompt of so many tokens."""
        max_length = self._generation["max_length"]
        if max_length is not None:
            return WorkerError(
                "prompt-too-long",
                f"The prompt has {tokens:,} tokens, so max_length {max_length:,} leaves no room for an answer.",
            )
        return WorkerError(
            "prompt-too-long",
            f"The prompt's {tokens:,} tokens and {self._generation['max_new_tokens']:,} new ones exceed "
            f"{self._context_name} of {self._context:,}{_less(self._generation.get('depth') or 0)}.",
        )


def find_prompt_limit(loaded: Loaded, generation: Generation) -> PromptLimit:
    """Returns how long a prompt may be. Raises WorkerError ``generation-invalid`` if no prompt fits at all."""
    context, name = _find_context(loaded, generation)
    depth, max_length = generation.get("depth") or 0, generation["max_length"]
    if context is not None and depth >= context:
        raise WorkerError("generation-invalid", f"depth is {depth:,} tokens; {name} is {context:,}.")
    if context is not None and max_length is not None and max_length > context - depth:
        raise WorkerError(
            "generation-invalid", f"max_length is {max_length:,} tokens; {name} is {context:,}{_less(depth)}."
        )
    if max_length is not None:
        most: int | None = max_length - 1
    else:
        most = None if context is None else context - depth - (generation["max_new_tokens"] or 0)
    return PromptLimit(most, context, name, generation)


def refuse_past_context(config: Any, lengths: Sequence[int], longest_row: int) -> None:
    """Raises WorkerError ``generation-invalid`` if a batch under ``max_length`` would break behind the context.

    ``lengths``: the rows' prompts in tokens. ``longest_row``: the tokens of a whole row, depth included. ``generate``
    goes on with every row until the last one ends. Under ``max_length`` that is the row of the shortest prompt, and by
    then the longest prompt's row is as much further as the two differ. The last token is never read.
    """
    context = read_context(config)
    past = max(lengths) - min(lengths) + longest_row - 1 - (0 if context is None else context)
    if context is None or past <= 0 or can_run_past_context(config):
        return
    raise WorkerError(
        "generation-invalid",
        f"Before the last row of this batch ends, that of its longest prompt reaches token {context + past:,}, past "
        f"the model's context of {context:,}, where this model cannot go on.",
        next_step=f"Lower max_length by {past:,}, set batch_size to 1, or limit answers by max_new_tokens.",
    )


def _find_context(loaded: Loaded, generation: Generation) -> tuple[int | None, str]:
    """Returns the context of the model, or of its assistant if that is smaller, and how messages name it."""
    own = read_context(loaded.model.config)
    if generation.get("assistant_model") is not None:
        assistants = read_context(loaded.assistant.model.config)
        if assistants is not None and (own is None or assistants < own):
            return assistants, "the assistant's context"
    return own, "the model's context"


def _less(depth: int) -> str:
    return f" less a depth of {depth:,}" if depth > 0 else ""
