"""weight-readers: layers whose weights the model's code reads itself, or that are no mere product, stay unquantized.

A quantized weight has another shape and other numbers, so code that multiplies with it fails:
- Mamba, transformers 5.23, modeling_mamba.py: ``self.dt_proj.weight @ time_step`` (Jamba and Falcon-Mamba ask first
  whether the model is quantized).
- ``torch.nn.MultiheadAttention`` hands ``out_proj.weight`` to a function (SigLIP's pooling head in Gemma-3).
- Subclasses of nn.Linear with a ``forward`` of their own (routers of Llama-4 and PhiMoE): transformers leaves them as
  they are without being told to.
"""

from __future__ import annotations

import torch

from falcon_exp.worker.workarounds.plain_linear import computes_as_linear, is_subclass

NAME = "weight-readers"

#: By model_type: endings of the modules' names.
_READ_BY_THE_MODEL = {"mamba": (".dt_proj",)}


def find_weight_readers(model: torch.nn.Module, linears: dict[str, torch.nn.Module], model_type: str) -> list[str]:
    """Names of those among ``linears``."""
    attentions = {name for name, module in model.named_modules() if isinstance(module, torch.nn.MultiheadAttention)}
    endings = _READ_BY_THE_MODEL.get(model_type, ())
    return [
        name
        for name, module in linears.items()
        if (endings and name.endswith(endings))
        or name.rpartition(".")[0] in attentions
        or (is_subclass(module) and not computes_as_linear(module))
    ]
