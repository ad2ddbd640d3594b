"""Runs bitsandbytes' quantization of a tensor on the CPU slice by slice: the same bits in a fraction of the memory.

Its CPU kernels work in float32 and take 10 to 28 bytes per weight on top of the weight itself: for the largest layers
of a large model that is more than the layer. Both ways to quantize look at one block or one row at a time, so slicing
changes nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

#: A multiple of two of the largest blocks; small enough that a slice's memory is used again instead of mapped anew.
_SLICE_VALUES = 1 << 20


class QuantizeInSlices(TorchDispatchMode):  # type: ignore[misc]
    """Within this mode, large CPU tensors are quantized in slices; everything else runs as usual."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = str(func)
        if name.startswith("bitsandbytes.") and isinstance(args[0], torch.Tensor):
            weight = args[0]
            if weight.device.type == "cpu" and weight.numel() > _SLICE_VALUES:
                if name == "bitsandbytes.quantize_4bit.default":
                    return _quantize_4bit(func, *args, **(kwargs or {}))
                if name == "bitsandbytes.int8_vectorwise_quant.default" and (*args, 0.0)[1] == 0:
                    return _quantize_rows(func, weight)
        return func(*args, **(kwargs or {}))


def _quantize_4bit(func: Any, weight: torch.Tensor, blocksize: int, *rest: Any) -> tuple[torch.Tensor, torch.Tensor]:
    flat = weight.reshape(-1)
    packed, scales = func(flat[:_SLICE_VALUES], blocksize, *rest)
    values_a_cell = _SLICE_VALUES // packed.numel()
    # Made once and filled: pieces waiting to be joined would lie between the memory that slices take and give back.
    all_packed = packed.new_empty(-(-flat.numel() // values_a_cell), 1)
    all_scales = scales.new_empty(-(-flat.numel() // blocksize))
    for first in range(0, flat.numel(), _SLICE_VALUES):
        if first > 0:
            packed, scales = func(flat[first : first + _SLICE_VALUES], blocksize, *rest)
        all_packed[first // values_a_cell :][: packed.numel()] = packed
        all_scales[first // blocksize :][: scales.numel()] = scales
    return all_packed, all_scales


def _quantize_rows(func: Any, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
    rows = max(1, _SLICE_VALUES // weight.shape[-1])
    values = torch.empty(weight.shape, dtype=torch.int8)
    scales = torch.empty(weight.shape[0], dtype=torch.float32)
    for first in range(0, weight.shape[0], rows):
        part = slice(first, first + rows)
        values[part], scales[part], _ = func(weight[part])
    return values, scales, None
