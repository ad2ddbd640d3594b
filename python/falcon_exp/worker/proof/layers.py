"""The linear layers of a live model, each with the method that it is quantized by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from falcon_exp.worker.proof.census import Census
from falcon_exp.worker.quantization.registry import SETTINGS, recognize

#: ``method`` of a layer stored below 16 bits by no method of the registry, of one that cannot be opened, and of several
#: layers with different methods or types.
OTHER, UNKNOWN, MIXED = "other", "unknown", "mixed"


@dataclass(frozen=True)
class Layer:
    """One linear layer, as read from the live model."""

    name: str
    class_name: str
    #: A key of the registry, ``other`` or ``unknown``; None if the layer is not quantized.
    method: str | None
    #: Such as ``nf4``; for ``other``, the dtype of what is stored.
    type: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    decided_by_kernel: frozenset[str] = frozenset()

    @property
    def is_quantized(self) -> bool:
        """Whether it is certainly below 16 bits."""
        return self.method not in (None, UNKNOWN)


def read_layers(linears: dict[str, torch.nn.Module], census: Census) -> list[Layer]:
    """Reads each layer by the registry's methods, or by what the census found in it if none of them recognizes it."""
    return [_read_layer(name, module, census) for name, module in linears.items()]


def _read_layer(name: str, module: torch.nn.Module, census: Census) -> Layer:
    class_name = type(module).__name__
    known = recognize(module)
    if known is not None:
        method, kind = known
        settings = method.read_settings(module)
        return Layer(name, class_name, method.key, kind, settings, method.decided_by_kernel(module))
    for matrix in census.by_module.get(name, []):
        if matrix.is_quantized is None:
            return Layer(name, class_name, UNKNOWN)
        if matrix.is_quantized:
            return Layer(name, class_name, OTHER, matrix.dtype)
    return Layer(name, class_name, None)


def quantization_effective(layers: list[Layer], census: Census) -> dict[str, Any]:
    """Returns method, type and settings that all quantized layers share; ``mixed`` if there is more than one type."""
    quantized = [layer for layer in layers if layer.is_quantized]
    effective: dict[str, Any] = {"method": "none", "type": None, **dict.fromkeys(SETTINGS)}
    if not quantized:
        others = {matrix.dtype for matrix in census.inner() if matrix.is_quantized}
        if others:
            return {**effective, "method": OTHER, "type": _single(others)}
        return {**effective, "method": UNKNOWN if census.unknown else "none"}
    kinds = {(layer.method, layer.type) for layer in quantized}
    effective["method"] = MIXED if len(kinds) > 1 else quantized[0].method
    effective["type"] = _single({layer.type for layer in quantized})
    for key in SETTINGS:
        effective[key] = _single({layer.settings.get(key) for layer in quantized})
    return effective


def _single(values: set[Any]) -> Any:
    """Returns the value that all share; None if they differ or there is none."""
    return next(iter(values)) if len(values) == 1 else None
