"""plain-linear: transformers passes only modules whose type is exactly ``nn.Linear`` to bitsandbytes.

transformers 5.23, integrations/bitsandbytes.py: ``type(module) is nn.Linear``. Falcon's FalconLinear is a subclass that
spells out the same product, so a "4-bit" Falcon silently stays at full size; some models with their own code do the
same. torchao takes subclasses, but its tensors do not support the operator that FalconLinear uses ("unimplemented
operator ... aten.numpy_T", torchao 0.18). A subclass that computes what nn.Linear computes becomes a plain one before
the quantizer looks at the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

NAME = "plain-linear"

_PROBE_IN, _PROBE_OUT = 16, 8


def is_subclass(module: torch.nn.Module) -> bool:
    """Whether transformers skips this linear layer because of its type."""
    return isinstance(module, torch.nn.Linear) and type(module) is not torch.nn.Linear


def computes_as_linear(module: torch.nn.Linear) -> bool:
    """Whether a layer of this class with these settings computes what ``nn.Linear`` does, as tried on a small one."""
    if set(module._parameters) != {"weight", "bias"} or module._buffers or module._modules:
        return False
    probe: torch.nn.Linear = torch.nn.Linear(_PROBE_IN, _PROBE_OUT, bias=module.bias is not None)
    own = {key: value for key, value in vars(module).items() if key not in vars(probe)}
    hidden = torch.linspace(-1, 1, 3 * _PROBE_IN).view(1, 3, _PROBE_IN)
    with torch.inference_mode():
        expected = probe(hidden)
        vars(probe).update(own)
        probe.__class__ = type(module)
        try:
            found = probe(hidden)
        except Exception:
            return False
    return isinstance(found, torch.Tensor) and found.shape == expected.shape and torch.allclose(found, expected)


@contextmanager
def make_plain(names: list[str]) -> Iterator[None]:
    """While entered, modules with these names in a model being loaded become plain ones before they are quantized."""
    if not names:
        yield
        return
    from transformers.quantizers.base import HfQuantizer

    preprocess = HfQuantizer.preprocess_model

    def preprocess_plain(self: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        for name in names:
            model.get_submodule(name).__class__ = torch.nn.Linear
        return preprocess(self, model, *arguments, **options)

    HfQuantizer.preprocess_model = preprocess_plain
    try:
        yield
    finally:
        HfQuantizer.preprocess_model = preprocess
