"""weight-readers: layers whose weights the model's code reads, or that are more than a product, stay unquantized.

A quantized weight has another shape and other numbers, so code that multiplies with it fails:
- Mamba, transformers 5.23, modeling_mamba.py: ``self.dt_proj.weight @ time_step`` (Jamba and Falcon-Mamba check first
  whether the model is quantized).
- ``torch.nn.MultiheadAttention`` passes ``out_proj.weight`` to a function (SigLIP's pooling head in Gemma-3).
- Subclasses of nn.Linear with a ``forward`` of their own (routers of Llama-4 and PhiMoE): transformers leaves them as
  they are without being told to.
- RWKV, modeling_rwkv.py, ``_rescale_layers``: divides weights in place at the first forward pass. torchao's tensors
  refuse that, quanto's silently divide a copy, and 4-bit weights become fp4 with double quantization, whatever they
  were. For bitsandbytes' 8-bit weights it divides the constants, which is right.
"""

from __future__ import annotations

from typing import Any

import torch

from falcon_exp.worker.workarounds.plain_linear import computes_as_linear, is_subclass

NAME = "weight-readers"

#: Endings of the modules' names, by model_type.
_READ_BY_THE_MODEL = {"mamba": (".dt_proj",)}
_CHANGED_BY_THE_MODEL = {"rwkv": (".attention.output", ".feed_forward.value")}
#: The method whose weights that code changes correctly.
_CHANGED_RIGHTLY = "int8"


def find_weight_readers(
    model: torch.nn.Module, linears: dict[str, torch.nn.Module], config: Any, method: str | None
) -> list[str]:
    """Returns the names of those among ``linears``; with ``method`` None, those that no method may quantize."""
    attentions = {name for name, module in model.named_modules() if isinstance(module, torch.nn.MultiheadAttention)}
    endings = endings_of(config, method)
    return [
        name
        for name, module in linears.items()
        if (endings and name.endswith(endings))
        or name.rpartition(".")[0] in attentions
        or (is_subclass(module) and not computes_as_linear(module))
    ]


def endings_of(config: Any, method: str | None) -> tuple[str, ...]:
    """Returns the endings of the names of layers whose weights this family's code reads or changes itself."""
    family = str(config.model_type)
    is_changing = method not in (None, _CHANGED_RIGHTLY) and getattr(config, "rescale_every", 0) > 0
    return (*_READ_BY_THE_MODEL.get(family, ()), *(_CHANGED_BY_THE_MODEL.get(family, ()) if is_changing else ()))
