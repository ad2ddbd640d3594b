"""Figures about a model's weights that a census does not give: how many there are, and how much a token reads."""

from __future__ import annotations

import torch

from falcon_exp.worker.proof.stored_tensors import bytes_of, storage_key, stored_tensors
from falcon_exp.worker.quantization.registry import count_elements


def read_per_token_bytes(model: torch.nn.Module, weights_bytes: int) -> int:
    """Returns the bytes of weights that a decoded token reads: all but embedding tables, in which it looks up one row.

    A table that is also the output head (tied) is read as a whole. A mixture of experts reads less than this says.
    """
    tables: dict[object, int] = {}
    elsewhere: set[object] = set()
    for module in model.modules():
        parts = [part for stored in stored_tensors(module) if stored.is_parameter for part in stored.parts]
        if isinstance(module, torch.nn.Embedding):
            tables.update((storage_key(part), bytes_of(part)) for part in parts)
        else:
            elsewhere.update(storage_key(part) for part in parts)
    return weights_bytes - sum(size for key, size in tables.items() if key not in elsewhere)


def count_parameters(model: torch.nn.Module) -> int:
    """Counts parameters as the architecture has them: two 4-bit values packed into a byte count as two."""
    parameters = {id(parameter): parameter for parameter in model.parameters()}
    counts = ((count_elements(one), one.numel()) for one in parameters.values())
    return sum(numel if packed is None else packed for packed, numel in counts)
