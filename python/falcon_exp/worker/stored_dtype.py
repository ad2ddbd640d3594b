"""The dtypes that weight files hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: The types that weights are computed in, as safetensors files name them.
_FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
#: How the names of types begin that only quantized weights are stored in.
_NARROW = ("F8", "F6", "F4", "I4", "U4")


def stored_dtype(files: list[Path]) -> str | None:
    """The dtype of the first floating-point tensor, which transformers uses as well; None if there is none.

    Raises SafetensorError if a file is damaged. Reads headers only.
    """
    from safetensors import safe_open

    for file in files:
        with safe_open(file, framework="pt") as opened:
            names: list[Any] = list(opened.keys())
            for name in names:
                dtype = _FLOATS.get(str(opened.get_slice(name).get_dtype()))
                if dtype is not None:
                    return dtype
    return None


def narrow_dtypes(files: list[Path]) -> list[str]:
    """Types of fewer than 16 bits that stand for floating-point numbers, as the files name them. Reads headers only."""
    from safetensors import safe_open

    found: set[str] = set()
    for file in files:
        with safe_open(file, framework="pt") as opened:
            found |= {str(opened.get_slice(name).get_dtype()) for name in list(opened.keys())}
    return sorted(one for one in found if one.startswith(_NARROW))
