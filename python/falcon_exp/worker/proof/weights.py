"""Every tensor that a model keeps, counted once: parameters, buffers and quantization state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

#: Where quantization state hides: bitsandbytes' 4-bit state (nested by `state2`), and int8's, on weight and on module.
_STATE_ATTRIBUTES = ("quant_state", "state2", "state", "CB", "SCB", "absmax", "code", "offset")


def _state_tensors(holder: Any, depth: int = 3) -> Iterator[torch.Tensor]:
    """Tensors in the quantization state of a weight or module, nested states included."""
    if holder is None or depth == 0:
        return
    for name in _STATE_ATTRIBUTES:
        # `vars` where possible: a property may compute a new tensor, which nobody keeps.
        value = vars(holder).get(name) if hasattr(holder, "__dict__") else getattr(holder, name, None)
        if isinstance(value, torch.Tensor):
            yield value
        elif value is not None and type(value).__module__.startswith("bitsandbytes"):
            yield from _state_tensors(value, depth - 1)


def kept_tensors(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    """All tensors that a model keeps; the same storage may come more than once."""
    for module in model.modules():
        yield from (value for value in module._parameters.values() if value is not None)
        yield from (value for value in module._buffers.values() if value is not None)
        for parameter in module._parameters.values():
            if parameter is not None:
                yield from _state_tensors(parameter)
        yield from _state_tensors(module)


def _storage_key(tensor: torch.Tensor) -> object:
    """Offloaded ("meta") tensors go by object: they lie elsewhere, but they are."""
    return id(tensor) if tensor.device.type == "meta" else (str(tensor.device), tensor.data_ptr())


def read_per_token_bytes(model: torch.nn.Module) -> int:
    """Bytes of weights that one decoded token has to read: all but embedding tables, of which it looks up one row.

    A table that is the output head too (tied) is read as that. A mixture of experts reads less than this says.
    """
    tables = [module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    elsewhere = {
        _storage_key(parameter)
        for module in model.modules()
        if not isinstance(module, torch.nn.Embedding)
        for parameter in module._parameters.values()
        if parameter is not None
    }
    unread = {_storage_key(table): table for table in tables if _storage_key(table) not in elsewhere}
    skipped = sum(int(table.numel() * table.element_size()) for table in unread.values())
    return sum(bytes_by_dtype(model).values()) - skipped


def bytes_by_dtype(model: torch.nn.Module) -> dict[str, int]:
    """Bytes by dtype, each storage once."""
    sizes: dict[object, tuple[str, int]] = {}
    for tensor in kept_tensors(model):
        size = tensor.numel() * tensor.element_size()
        key = _storage_key(tensor)
        name = str(tensor.dtype).removeprefix("torch.")
        if size > sizes.get(key, ("", -1))[1]:
            sizes[key] = (name, size)
    totals: dict[str, int] = {}
    for name, size in sizes.values():
        if size > 0:
            totals[name] = totals.get(name, 0) + size
    return dict(sorted(totals.items()))


def count_parameters(model: torch.nn.Module) -> int:
    """Parameters as the architecture has them: two 4-bit values packed into a byte count as two."""
    seen: set[int] = set()
    total = 0
    for parameter in model.parameters():
        if id(parameter) in seen:
            continue
        seen.add(id(parameter))
        state = getattr(parameter, "quant_state", None)
        shape = getattr(state, "shape", None)
        total += parameter.numel() if shape is None else int(torch.Size(shape).numel())
    return total
