"""quanto-inputs: optimum-quanto's packed products on a CPU do not accept a view with swapped dimensions as input.

optimum-quanto 0.2.7 passes the input to PyTorch 2.13's ``_weight_int8pack_mm_cpu`` and ``_weight_int4pack_mm_cpu`` as
it is: "A must be contiguous on the last dimension", "expect A to be contiguous". State-space models pass such views. A
contiguous copy has the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

NAME = "quanto-inputs"

#: The values of model_type whose code passes such views, found by ``npm run families``.
GIVING_VIEWS = frozenset({"mamba", "falcon_mamba", "jamba", "recurrent_gemma"})


def order_inputs(model: torch.nn.Module, names: Iterable[str]) -> None:
    """From now on these modules copy an input that is not contiguous."""
    for name in names:
        module = model.get_submodule(name)
        module.forward = _with_ordered_input(module.forward)


def _with_ordered_input(forward: Any) -> Any:
    def ordered(hidden: torch.Tensor) -> Any:
        return forward(hidden.contiguous())

    return ordered
