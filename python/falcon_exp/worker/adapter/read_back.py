"""Reads back from a live model which adapter is on it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from falcon_exp.worker.adapter.names import find_changed, is_adapted, is_of_adapter
from falcon_exp.worker.dtypes import dtype_name


def read_adapter(model: Any) -> dict[str, Any] | None:
    """``adapterProofSchema`` of the wire format; None if the model has no adapter."""
    if not is_adapted(model):
        return None
    from peft.tuners.tuners_utils import BaseTunerLayer

    parts = {name: parameter for name, parameter in model.named_parameters() if is_of_adapter(name)}
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    bytes_by_dtype = Counter[str]()
    for parameter in parts.values():
        bytes_by_dtype[dtype_name(parameter.dtype)] += parameter.numel() * parameter.element_size()
    settings = next(iter(model.peft_config.values()))
    return {
        "type": str(getattr(settings.peft_type, "value", settings.peft_type)),
        "modules": len({find_changed(name) for name in parts}),
        "parameters": sum(int(parameter.numel()) for parameter in parts.values()),
        "bytes": sum(bytes_by_dtype.values()),
        "dtype": max(bytes_by_dtype, key=lambda name: bytes_by_dtype[name], default="none"),
        "active": bool(layers) and all(_is_active(layer) for layer in layers),
    }


def _is_active(layer: Any) -> bool:
    """Whether the layer adds the adapter's product to that of the layer beneath."""
    return not layer.disable_adapters and not layer.merged and bool(layer.active_adapters)
