"""The linear layers of a model, by name."""

from __future__ import annotations

import torch


def linear_modules(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Every linear layer by name: nn.Linear, its subclasses (bitsandbytes' among them) and transformers' Conv1D."""
    from transformers.pytorch_utils import Conv1D

    return {name: module for name, module in model.named_modules() if isinstance(module, (torch.nn.Linear, Conv1D))}
