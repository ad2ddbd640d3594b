"""Checks that the logits that ``generate`` chose tokens from were numbers: after an overflow it takes just any token.

Float16 and LLM.int8 overflow in models that were trained in bfloat16. From the position where that happens, all
logits are NaN and every further token is the same, so the last position shows whether it happened at any before it.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import LogitsProcessor

from falcon_exp.worker.failures import WorkerError


class NewestLogits(LogitsProcessor):  # type: ignore[misc]
    """Keeps the logits of the newest token, rows x vocabulary; ``generate`` itself keeps them just as long."""

    def __init__(self) -> None:
        self.newest: torch.Tensor | None = None

    def __call__(self, _input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Returns the scores unchanged."""
        self.newest = scores
        return scores


def may_be_chosen_from_nothing(new_ids: torch.Tensor) -> bool:
    """Whether the answer looks as if its logits were NaN: it ended at once, or its last two tokens are the same."""
    return len(new_ids) < 2 or int(new_ids[-1]) == int(new_ids[-2])


def require_finite_logits(model: Any, ids: torch.Tensor, seen: torch.Tensor | None = None) -> None:
    """Raises WorkerError ``logits-not-finite`` if any of the row's last logits is NaN or infinity.

    ``seen``: the row's newest logits if they were kept. Otherwise they are computed by one forward pass over ``ids``,
    1 x tokens, outside every clock.
    """
    last = _read_last_logits(model, ids) if seen is None else seen
    # Minus infinity is allowed unless all logits have it: it masks the padding of a vocabulary.
    broken = int((torch.isnan(last) | torch.isposinf(last)).sum())
    if broken > 0 or bool(torch.isneginf(last).all()):
        count = "all" if broken in (0, len(last)) else f"{broken} of {len(last)}"
        dtype = str(getattr(model, "dtype", "its dtype")).removeprefix("torch.")
        raise WorkerError(
            "logits-not-finite",
            f"{count[0].upper()}{count[1:]} of the model's logits are infinite or NaN (it runs in {dtype}), "
            "so its tokens mean nothing.",
        )


def _read_last_logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    options = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    with torch.inference_mode():
        last: torch.Tensor = model(input_ids=ids, use_cache=False, **options).logits[0, -1].float()
    return last
