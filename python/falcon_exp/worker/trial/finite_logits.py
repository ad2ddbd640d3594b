"""Whether what ``generate`` chose tokens from were numbers: of logits that overflowed it takes just any token.

Float16 and LLM.int8 overflow in models that were trained in bfloat16. From the position where that happens on all
logits are NaN, and each further token is the same one; so the last position tells of all before it.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import LogitsProcessor

from falcon_exp.worker.failures import WorkerError


class NewestLogits(LogitsProcessor):  # type: ignore[misc]
    """Keeps what ``generate`` chose its newest token from, rows x vocabulary; ``generate`` keeps it as long itself."""

    def __init__(self) -> None:
        self.newest: torch.Tensor | None = None

    def __call__(self, _input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Changes nothing."""
        self.newest = scores
        return scores


def may_be_chosen_from_nothing(new_ids: torch.Tensor) -> bool:
    """Whether the answer looks as one does whose logits were NaN: ended at once, or its last token came twice."""
    return len(new_ids) < 2 or int(new_ids[-1]) == int(new_ids[-2])


def require_finite_logits(model: Any, ids: torch.Tensor, seen: torch.Tensor | None = None) -> None:
    """Raises WorkerError ``logits-not-finite``.

    ``seen``: the row's newest logits, where they were kept; else one forward pass over ``ids``, 1 x tokens, outside of
    every clock.
    """
    last = _read_last_logits(model, ids) if seen is None else seen
    # Minus infinity masks what a vocabulary is padded with.
    broken = int((torch.isnan(last) | torch.isposinf(last)).sum())
    if broken > 0 or bool(torch.isneginf(last).all()):
        count = "all" if broken in (0, len(last)) else f"{broken} of {len(last)}"
        dtype = str(getattr(model, "dtype", "its dtype")).removeprefix("torch.")
        raise WorkerError(
            "logits-not-finite",
            f"{count[0].upper()}{count[1:]} logits of the model are infinite or no numbers (it runs in {dtype}): "
            "its tokens are chosen from nothing.",
        )


def _read_last_logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    options = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    with torch.inference_mode():
        last: torch.Tensor = model(input_ids=ids, use_cache=False, **options).logits[0, -1].float()
    return last
