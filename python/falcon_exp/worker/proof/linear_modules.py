"""The linear layers of a model, by name."""

from __future__ import annotations

import torch

from falcon_exp.worker.adapter.names import is_adapted, is_of_adapter, plain_name


def linear_modules(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Returns every linear layer by name: nn.Linear, its subclasses (including bitsandbytes') and transformers' Conv1D.

    Under an adapter they have the names that they had without it; the adapter's own layers are left out.
    """
    from transformers.pytorch_utils import Conv1D

    found = {name: module for name, module in model.named_modules() if isinstance(module, (torch.nn.Linear, Conv1D))}
    if not is_adapted(model):
        return found
    return {plain_name(name): module for name, module in found.items() if not is_of_adapter(name)}
