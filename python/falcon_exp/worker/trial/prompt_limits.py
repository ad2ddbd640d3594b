"""How long a prompt may be, so that it and its answer stay within the context of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.context import read_context, read_row_limit
from falcon_exp.worker.wire_types import Generation


@dataclass(frozen=True)
class PromptLimit:
    """The longest prompt that leaves room for its answer in a context."""

    #: None if any prompt does.
    most_tokens: int | None
    _context: int | None
    _name: str
    _generation: Generation

    def refuse_longer(self, tokens: int) -> None:
        """Raises WorkerError ``prompt-too-long`` if a prompt of so many tokens is too long."""
        if self.most_tokens is None or tokens <= self.most_tokens:
            return
        max_length = self._generation["max_length"]
        if max_length is not None:
            raise WorkerError(
                "prompt-too-long",
                f"The prompt has {tokens:,} tokens, so max_length {max_length:,} leaves no room for an answer.",
            )
        raise WorkerError(
            "prompt-too-long",
            f"The prompt's {tokens:,} tokens and {self._generation['max_new_tokens']:,} new ones exceed "
            f"{self._name} of {self._context:,}{_less(self._generation.get('depth') or 0)}.",
        )


def find_prompt_limit(config: Any, generation: Generation, name: str = "the model's context") -> PromptLimit:
    """Returns how long a prompt may be; ``name``: how messages name the context of ``config``.

    Raises WorkerError ``generation-invalid`` if no prompt fits at all.
    """
    context, depth, max_length = read_context(config), generation.get("depth") or 0, generation["max_length"]
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


def refuse_past_row_limit(model: Any, lengths: Sequence[int], generation: Generation) -> None:
    """Raises WorkerError ``generation-invalid`` if a batch under ``max_length`` would break, or change an answer.

    ``lengths``: the rows' prompts in tokens. ``generate`` goes on with every row until the last one ends. Under
    ``max_length`` that is the row of the shortest prompt, and by then the row of the longest one is as much further as
    the two differ. The last token is never read. If rows pass the limit by themselves, nothing here can help.
    """
    limit, max_length, depth = read_row_limit(model), generation["max_length"] or 0, generation.get("depth") or 0
    if limit is None or depth + max_length > limit:
        return
    past = depth + max_length + max(lengths) - min(lengths) - 1 - limit
    if past <= 0:
        return
    lower = f"Lower max_length by {past:,}, set" if max_length - past > max(lengths) else "Set"
    raise WorkerError(
        "generation-invalid",
        f"Before the last row of this batch ends, that of its longest prompt reaches token {limit + past:,}. Beyond "
        f"{limit:,}, this model's positions end, or change for the other rows too.",
        next_step=f"{lower} batch_size to 1, or limit answers by max_new_tokens.",
    )


def _less(depth: int) -> str:
    return f" less a depth of {depth:,}" if depth > 0 else ""
