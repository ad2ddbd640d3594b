"""Transformers' fine-grained FP8, as DeepSeek and Qwen publish it: 8-bit floats, a constant per block. GPUs only."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.method import Method, is_of_library
from falcon_exp.worker.wire_types import QuantizationFp8


class Fp8(Method[QuantizationFp8]):
    """One byte per weight and a constant for each block of 128 × 128."""

    key: ClassVar[str] = "fp8"
    settings: ClassVar[tuple[str, ...]] = ("block_size",)

    def name(self, asked: QuantizationFp8) -> str:
        """``fp8``."""
        return self.key

    def refuse_unable(self, asked: QuantizationFp8, device_kind: str) -> None:
        """Refuses any device but a GPU early; the library would do so in the middle of a load.

        Transformers 5.23, quantizer_finegrained_fp8.py.
        """
        if device_kind not in ("cuda", "xpu"):
            raise WorkerError(
                "quantization-needs-gpu", "fp8 needs a GPU (CUDA of compute capability 8.9 or newer, or XPU)."
            )
        from transformers.utils import is_kernels_available

        if not is_kernels_available():
            raise WorkerError(
                "quantization-library-missing",
                "fp8 is computed by kernels that the library `kernels` fetches, and this environment lacks it.",
                next_step="The managed environment cannot have it: name one that holds `kernels` by --python.",
            )

    def library_config(self, asked: QuantizationFp8, dtype: torch.dtype, skip: list[str] | None) -> Any:
        """Transformers' FineGrainedFP8Config."""
        from transformers import FineGrainedFP8Config

        return FineGrainedFP8Config(modules_to_not_convert=skip)

    def recognize(self, module: torch.nn.Module) -> str | None:
        """Recognizes a layer by its weight, because on a device without kernels the library leaves it in 16 bits."""
        is_own = is_of_library(module, "transformers", "FP8Linear")
        weight = getattr(module, "weight", None)
        if not is_own or not isinstance(weight, torch.Tensor) or weight.element_size() != 1:
            return None
        return self.key

    def read_settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """The length of a block's side."""
        sizes = getattr(module, "block_size", None)
        return {"block_size": int(sizes[0]) if sizes else None}

    def wanted(self, asked: QuantizationFp8, dtype: str) -> dict[str, Any]:
        """The type."""
        return {"type": self.key}

    def formats(self) -> dict[str, dict[str, Any]]:
        """``fp8``."""
        return {self.key: {}}

    def sample_layer(self, asked: QuantizationFp8) -> torch.nn.Module:
        """The library's own layer, with a weight of ones."""
        from transformers.integrations.finegrained_fp8 import FP8Linear

        layer = FP8Linear(128, 128, block_size=(128, 128))
        with torch.no_grad():
            layer.weight.fill_(1)
            layer.weight_scale_inv.fill_(1)
        return layer
