"""All quantization methods: code that requests, recognizes or verifies one asks here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from falcon_exp.worker.quantization.as_stored import AsStored
from falcon_exp.worker.quantization.four_bit import FourBit
from falcon_exp.worker.quantization.fp8 import Fp8
from falcon_exp.worker.quantization.int8 import Int8
from falcon_exp.worker.quantization.method import Method
from falcon_exp.worker.quantization.none import Unquantized
from falcon_exp.worker.quantization.quanto import Quanto
from falcon_exp.worker.quantization.skip_modules import all_skipped
from falcon_exp.worker.quantization.torchao import TorchAo

METHODS: tuple[Method[Any], ...] = (Unquantized(), Int8(), FourBit(), TorchAo(), Quanto(), Fp8(), AsStored())
#: The settings of all methods, as keys of ``quantization_effective``.
SETTINGS = tuple(dict.fromkeys(key for method in METHODS for key in method.settings))


def find_method(asked: Mapping[str, Any]) -> Method[Any]:
    """Returns the method of an experiment's quantization."""
    return next(method for method in METHODS if method.key == asked["method"])


def recognize(module: torch.nn.Module) -> tuple[Method[Any], str] | None:
    """Returns the method that a live module is quantized by, and its type; None if no method recognizes it."""
    for method in METHODS:
        kind = method.recognize(module)
        if kind is not None:
            return method, kind
    return None


def count_elements(tensor: torch.Tensor) -> int | None:
    """Returns how many weights a tensor packed by a known method represents; None for any other tensor."""
    return next((count for method in METHODS if (count := method.count_elements(tensor)) is not None), None)


def kept_of_input(module: torch.nn.Module) -> list[torch.Tensor]:
    """Returns tensors that a forward pass left in a module but that belong to its input, not to the model."""
    return [tensor for method in METHODS for tensor in method.kept_of_input(module)]


def library_config(asked: Mapping[str, Any], dtype: torch.dtype, model_config: Any, *, trust_remote_code: bool) -> Any:
    """Returns the library's config, or None. Code that comes with the model runs only if it is trusted."""
    skip = all_skipped(asked.get("skip_modules"), model_config, trust_remote_code)
    return find_method(asked).library_config(asked, dtype, skip)
