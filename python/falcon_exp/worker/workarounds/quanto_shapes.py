"""quanto-shapes: PyTorch's packed products on a CPU, which optimum-quanto calls in bfloat16, take only some sizes.

PyTorch 2.13: ``_weight_int8pack_mm_cpu`` reads 16 inputs at a time, but optimum-quanto 0.2.7 (library/qbytes_mm.py)
requires only a multiple of 4: an 8-bit layer with 8 inputs ends the process. ``_convert_weight_to_int4pack_cpu`` takes
a multiple of 16 outputs, but optimum-quanto (tensor/weights/qbits.py) requires only groups of 128: a 4-bit layer with
40 outputs fails while it is loaded. Projections of small state-space models have such sizes.
"""

from __future__ import annotations

import torch

from falcon_exp.worker.skeleton import sizes_of

NAME = "quanto-shapes"

_MULTIPLE = 16
#: Quanto uses the 8-bit kernel only if the number of columns is a multiple of this.
_LEAST_COLUMNS = 4
#: The size of quanto's groups. It uses the 4-bit kernel only for rows that are longer and hold a whole number of them.
_GROUP = 128

#: What the kernel of each type takes, in words.
TAKEN = {"int8": "a multiple of 16 inputs", "int4": "a multiple of 16 outputs"}


def find_unfit(linears: dict[str, torch.nn.Module], kind: str) -> dict[str, tuple[int, int]]:
    """Returns (in_features, out_features) by name for the layers that the kernel for ``kind`` cannot take."""
    sizes = {name: sizes_of(module) for name, module in linears.items()}
    return {name: one for name, one in sizes.items() if _is_unfit(*one, kind)}


def _is_unfit(columns: int, rows: int, kind: str) -> bool:
    if kind == "int8":
        return columns % _LEAST_COLUMNS == 0 and columns % _MULTIPLE != 0
    return kind == "int4" and columns > _GROUP and columns % _GROUP == 0 and rows % _MULTIPLE != 0
