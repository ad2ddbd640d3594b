"""cpu-4bit-shapes: bitsandbytes' 4-bit kernel for CPUs with AVX512-BF16 takes only some sizes.

bitsandbytes 0.50.2, functional.py, ``_convert_weight_packed_for_cpu``, at the first forward: "N must be divisible by
block_n" (32), and a block of 64 weights must not cross a row. Routers and gates with one row, and Mamba's projections,
have other sizes. Without that instruction set, any size works.
"""

from __future__ import annotations

import torch

from falcon_exp.worker.kernels import describe_kernels
from falcon_exp.worker.skeleton import sizes_of

NAME = "cpu-4bit-shapes"

_ROWS_MULTIPLE = 32
_COLUMNS_MULTIPLE = 64
_LIMITED_PATHS = ("fused", "hub-fused")


def is_limited(device_kind: str) -> bool:
    """Whether the kernel in use here has these limits, according to the library."""
    if device_kind != "cpu":
        return False
    kernels = describe_kernels()
    return kernels is not None and kernels["cpu_4bit"] in _LIMITED_PATHS


def find_unfit(linears: dict[str, torch.nn.Module]) -> dict[str, tuple[int, int]]:
    """Returns (in_features, out_features) by name for the layers that the kernel cannot take."""
    sizes = {name: sizes_of(module) for name, module in linears.items()}
    return {
        name: (columns, rows)
        for name, (columns, rows) in sizes.items()
        if rows % _ROWS_MULTIPLE != 0 or columns % _COLUMNS_MULTIPLE != 0
    }
