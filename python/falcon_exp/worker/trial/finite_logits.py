"""Whether what ``generate`` chose tokens from were numbers: of logits that overflowed it takes just any token.

Float16 and LLM.int8 overflow in models that were trained in bfloat16. From the position where that happens on all
logits are NaN, and each further token is the same one; so the last position tells of all before it.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError


def may_be_chosen_from_nothing(new_ids: torch.Tensor) -> bool:
    """Whether the answer looks as one does whose logits were NaN: ended at once, or its last token came twice."""
    return len(new_ids) < 2 or int(new_ids[-1]) == int(new_ids[-2])


def require_finite_logits(model: Any, ids: torch.Tensor) -> None:
    """Raises WorkerError ``logits-not-finite``. One forward pass over ``ids``, 1 x tokens: outside of every clock."""
    options = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    with torch.inference_mode():
        last = model(input_ids=ids, use_cache=False, **options).logits[0, -1].float()
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
