"""quanto-shapes: PyTorch's packed 8-bit product on a CPU, which optimum-quanto calls, takes a multiple of 16 inputs.

PyTorch 2.13: ``_weight_int8pack_mm_cpu`` reads 16 at a time, and optimum-quanto 0.2.7 (library/qbytes_mm.py) asks for a
multiple of 4 alone: a layer with 8 inputs ends the process. Projections of small state-space models are of such sizes.
"""

from __future__ import annotations

import torch

from falcon_exp.worker.skeleton import sizes_of

NAME = "quanto-shapes"

_AT_A_TIME = 16
#: Where quanto does not use the kernel.
_LEAST = 4


def find_unfit(linears: dict[str, torch.nn.Module]) -> list[str]:
    """Names of those that the kernel cannot take."""
    columns = {name: sizes_of(module)[0] for name, module in linears.items()}
    return [name for name, count in columns.items() if count % _LEAST == 0 and count % _AT_A_TIME != 0]
