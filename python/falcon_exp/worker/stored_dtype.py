"""The dtype that weight files hold, for the models whose config names none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: As safetensors files name the types that weights are computed in.
_FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def stored_dtype(files: list[Path]) -> str | None:
    """The dtype of the first tensor of floating point, which transformers takes as well; None where there is none.

    Raises SafetensorError where a file is damaged. Reads headers only.
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
