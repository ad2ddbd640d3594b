"""A model without weights, from its config alone: names, types and shapes of its modules."""

from __future__ import annotations

import copy
from typing import Any

import torch


def build_skeleton(config: Any, *, trust_remote_code: bool, dtype: torch.dtype | None = None) -> Any:
    """The unquantized model on the meta device, as the quantizer gets it: its weights are not yet tied.

    Which modules the library leaves unquantized depends on that: the one with the last parameter is among them.
    """
    from accelerate import init_empty_weights
    from transformers.initialization import no_init_weights

    from falcon_exp.worker.model_class import auto_class_of

    plain = copy.deepcopy(config)
    if hasattr(plain, "quantization_config"):
        del plain.quantization_config
    options = {} if dtype is None else {"dtype": dtype}
    # Otherwise, drawing random numbers that nobody can see would take most of the time.
    with no_init_weights(), init_empty_weights(include_buffers=dtype is not None):
        model = auto_class_of(plain).from_config(plain, trust_remote_code=trust_remote_code, **options)
    return model


def sizes_of(module: torch.nn.Module) -> tuple[int, int]:
    """(in_features, out_features) of a linear layer; transformers' Conv1D keeps its weight the other way round."""
    first, second = (int(size) for size in module.weight.shape)
    return (second, first) if isinstance(module, torch.nn.Linear) else (first, second)
