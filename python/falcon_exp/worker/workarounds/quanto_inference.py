"""quanto-inference: optimum-quanto's 4-bit layers cannot run in PyTorch's inference mode.

optimum-quanto 0.2.7, tensor/function.py: ``torch.matmul(input, other.t())`` makes a view of the unpacked weight, which
PyTorch 2.13 refuses in that mode: "Cannot set version_counter for inference tensor". Outside the mode, without
gradients, the arithmetic is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

NAME = "quanto-inference"


def leave_inference_mode(model: torch.nn.Module, names: Iterable[str]) -> None:
    """From now on these modules compute outside inference mode, whatever mode they are called in."""
    for name in names:
        module = model.get_submodule(name)
        module.forward = _outside(module.forward)


def _outside(forward: Any) -> Any:
    def compute(*inputs: Any, **named: Any) -> Any:
        with torch.inference_mode(False), torch.no_grad():
            return forward(*inputs, **named)

    return compute
