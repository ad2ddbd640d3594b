"""int8-inputs: bitsandbytes' 8-bit layer takes inputs of at most three dimensions.

bitsandbytes 0.50.2, autograd/_functions.py, MatMul8bitLt: ``if len(A.shape) == 3: A = A.reshape(...)``. DeepSeek-V2 and
V3 pass four to ``kv_b_proj``, and fail with "The size of tensor a must match the size of tensor b". In three dimensions
the rows are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

NAME = "int8-inputs"

#: Endings of the names of modules that are given more dimensions.
_GIVEN_MORE = (".kv_b_proj",)


def find_given_more(names: Iterable[str]) -> list[str]:
    """Returns the modules that may be given inputs of four dimensions."""
    return [name for name in names if name.endswith(_GIVEN_MORE)]


def flatten_inputs(model: torch.nn.Module, names: list[str]) -> None:
    """From now on these modules get inputs of at most three dimensions; outputs have those of the original input."""
    for name in names:
        module = model.get_submodule(name)
        module.forward = _with_flat_input(module.forward)


def _with_flat_input(forward: Any) -> Any:
    def flat(hidden: torch.Tensor) -> torch.Tensor:
        if hidden.dim() <= 3:
            result: torch.Tensor = forward(hidden)
            return result
        product: torch.Tensor = forward(hidden.reshape(1, -1, hidden.shape[-1]))
        return product.view(*hidden.shape[:-1], product.shape[-1])

    return flat
