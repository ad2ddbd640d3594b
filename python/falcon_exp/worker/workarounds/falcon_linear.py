"""Cures for known defects of the libraries, applied while a model is loaded (docs/worker.md, workarounds)."""

from __future__ import annotations

from typing import Any

import torch

FALCON_LINEAR = "falcon-linear"


def apply_workarounds(config: Any, *, quantized: bool) -> list[str]:
    """Applies in this process every cure that the model of ``config`` needs; gives their names.

    falcon-linear: transformers 5 swaps a module for a bitsandbytes one only where its type is exactly ``nn.Linear``
    (transformers/integrations/bitsandbytes.py), and Falcon's is a subclass that spells the same product out. The plain
    class in its place makes the model quantizable. An unquantized Falcon needs no cure and keeps its own class.
    """
    if getattr(config, "model_type", None) != "falcon" or not quantized:
        return []
    from transformers.models.falcon import modeling_falcon

    modeling_falcon.FalconLinear = torch.nn.Linear
    return [FALCON_LINEAR]
