"""optimum-quanto's weights: int8, float8 and int4."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

import torch

from falcon_exp.worker.quantization.method import Method, has_library, is_of_library
from falcon_exp.worker.wire_types import QuantizationQuanto

_LIBRARY = "optimum.quanto"
#: The library's names of a tensor's types → the names in an experiment.
_TYPES = {"qint8": "int8", "qint4": "int4", "qfloat8_e4m3fn": "float8"}


class Quanto(Method[QuantizationQuanto]):
    """One byte per weight and a constant per row; for int4 half a byte, and a constant and a shift per group."""

    key: ClassVar[str] = "quanto"
    replaces_subclasses: ClassVar[bool] = True
    settings: ClassVar[tuple[str, ...]] = ("block_size",)
    extra: ClassVar[str] = "quanto"

    def name(self, asked: QuantizationQuanto) -> str:
        """``quanto-int8``."""
        return f"{self.key}-{asked['type']}"

    def import_library(self) -> None:
        """Imports it early, because Transformers would import it with the first layer."""
        if has_library(self.extra):
            importlib.import_module(_LIBRARY)

    def library_config(self, asked: QuantizationQuanto, dtype: torch.dtype, skip: list[str] | None) -> Any:
        """Transformers' QuantoConfig."""
        from transformers import QuantoConfig

        return QuantoConfig(weights=asked["type"], modules_to_not_convert=skip)

    def recognize(self, module: torch.nn.Module) -> str | None:
        """Recognizes a layer by its weight's tensor: the layer has its class before anything is quantized."""
        weight: Any = getattr(module, "weight", None)
        if not is_of_library(weight, _LIBRARY, "QTensor"):
            return None
        name = str(weight.qtype.name)
        return _TYPES.get(name, name)

    def read_settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """How many weights share a constant; None if a whole row does."""
        return {"block_size": getattr(module.weight, "_group_size", None)}

    def wanted(self, asked: QuantizationQuanto, dtype: str) -> dict[str, Any]:
        """The type; the library chooses the size of groups by the layer's size."""
        return {"type": asked["type"]}

    def formats(self) -> dict[str, dict[str, Any]]:
        """All three types."""
        return {f"{self.key}-{kind}": {"type": kind} for kind in _TYPES.values()}

    def sample_layer(self, asked: QuantizationQuanto) -> torch.nn.Module:
        """Quanto's own layer, frozen."""
        from optimum.quanto import QLinear, qfloat8, qint4, qint8

        weights = {"int8": qint8, "int4": qint4, "float8": qfloat8}[asked["type"]]
        layer = QLinear.from_module(torch.nn.Linear(128, 128, dtype=torch.bfloat16), weights=weights)
        layer.freeze()
        return layer
