"""torchao's weights: int8 and float8, with or without quantized activations, and int4."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.import_torchao import import_torchao
from falcon_exp.worker.quantization.method import Method, has_library, is_of_library
from falcon_exp.worker.wire_types import QuantizationTorchao

_LIBRARY = "torchao"
_CONFIGS = {
    "int8": "Int8WeightOnlyConfig",
    "int8-dynamic": "Int8DynamicActivationInt8WeightConfig",
    "float8": "Float8WeightOnlyConfig",
    "float8-dynamic": "Float8DynamicActivationFloat8WeightConfig",
    "int4": "Int4WeightOnlyConfig",
}
#: What these types need, which the library itself says only in the middle of a load (torchao 0.18, quant_api.py:
#: `_check_hardware_support`; int4_tensor.py: "Requires mslk >= 1.0.0").
_NEEDS_GPU = {
    "float8-dynamic": "a GPU of compute capability 8.9 or newer",
    "int4": "a GPU, and the library mslk 1.0 or newer",
}


class TorchAo(Method[QuantizationTorchao]):
    """One byte per weight and constants per row, in a tensor of the library's class inside a plain layer."""

    key: ClassVar[str] = "torchao"
    settings: ClassVar[tuple[str, ...]] = ("block_size",)
    extra: ClassVar[str] = "torchao"

    def name(self, asked: QuantizationTorchao) -> str:
        """``torchao-int8``."""
        return f"{self.key}-{asked['type']}"

    def refuse_unable(self, asked: QuantizationTorchao, device_kind: str) -> None:
        """Also refuses types that have kernels only for GPUs."""
        super().refuse_unable(asked, device_kind)
        needed = _NEEDS_GPU.get(asked["type"])
        if needed is not None and device_kind == "cpu":
            raise WorkerError("quantization-needs-gpu", f"{self.name(asked)} needs {needed}.")

    def import_library(self) -> None:
        """Imports torchao, because Transformers was imported without it."""
        if has_library(self.extra):
            import_torchao()

    def library_config(self, asked: QuantizationTorchao, dtype: torch.dtype, skip: list[str] | None) -> Any:
        """Transformers' TorchAoConfig, which matches the names of weights, while others match those of layers."""
        from transformers import TorchAoConfig

        names = None if skip is None else [*skip, *(f"{name}.weight" for name in skip)]
        return TorchAoConfig(_config(asked["type"]), modules_to_not_convert=names)

    def looks_across_rows(self, asked: QuantizationTorchao) -> bool:
        """True for ``float8-dynamic``, which by default has one scale for all activations that are read together."""
        return asked["type"] == "float8-dynamic"

    def recognize(self, module: torch.nn.Module) -> str | None:
        """Recognizes a layer by its weight's tensor, because the layer's own class stays what it was."""
        weight = getattr(module, "weight", None)
        if not is_of_library(weight, _LIBRARY, "TorchAOBaseTensor"):
            return None
        # Int8Tensor, Float8Tensor, Int4Tensor, Int4TilePackedTo4dTensor.
        kind = next((one for one in ("int8", "int4", "float8") if type(weight).__name__.lower().startswith(one)), None)
        if kind is None:
            return type(weight).__name__
        return kind if getattr(weight, "act_quant_kwargs", None) is None else f"{kind}-dynamic"

    def read_settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """How many weights share a constant; None if a whole row does."""
        sizes = getattr(module.weight, "block_size", None)
        shared = None if not sizes else int(sizes[-1])
        return {"block_size": None if shared == module.weight.shape[-1] else shared}

    def wanted(self, asked: QuantizationTorchao, dtype: str) -> dict[str, Any]:
        """The type."""
        return {"type": asked["type"]}

    def formats(self) -> dict[str, dict[str, Any]]:
        """All types."""
        return {f"{self.key}-{kind}": {"type": kind} for kind in _CONFIGS}

    def sample_layer(self, asked: QuantizationTorchao) -> torch.nn.Module:
        """A plain layer with a weight of the library's class."""
        import_torchao()
        from torchao.quantization import quantize_

        layer = torch.nn.Sequential(torch.nn.Linear(128, 128, dtype=torch.bfloat16))
        quantize_(layer, _config(asked["type"]))
        return layer


def _config(kind: str) -> Any:
    from torchao import quantization

    return getattr(quantization, _CONFIGS[kind])()
