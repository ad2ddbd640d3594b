"""bitsandbytes' 4-bit types, fp4 and nf4."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from falcon_exp.worker.dtypes import dtype_name, torch_dtype
from falcon_exp.worker.quantization.method import Method, is_of_bitsandbytes
from falcon_exp.worker.wire_types import Quantization4bit

#: What bitsandbytes' CPU kernel for AVX512-BF16 computes in, whatever a layer's compute_dtype says
#: (bitsandbytes/backends/cpu/ops.py: "cpu fused op only support bf16").
_CPU_KERNEL_DTYPE = "bfloat16"


class FourBit(Method[Quantization4bit]):
    """Half a byte per weight and a constant per block."""

    key: ClassVar[str] = "4bit"
    settings: ClassVar[tuple[str, ...]] = ("block_size", "double_quant", "compute_dtype")

    def name(self, asked: Quantization4bit) -> str:
        """``fp4`` or ``nf4``."""
        return asked["type"]

    def library_config(self, asked: Quantization4bit, dtype: torch.dtype, skip: list[str] | None) -> Any:
        """Transformers' BitsAndBytesConfig."""
        from transformers import BitsAndBytesConfig

        compute = asked["compute_dtype"]
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=asked["type"],
            bnb_4bit_use_double_quant=asked["double_quant"],
            bnb_4bit_compute_dtype=dtype if compute == "auto" else torch_dtype(compute),
            llm_int8_skip_modules=skip,
        )

    def takes_stored(self, config: dict[str, Any]) -> bool:
        """True for what bitsandbytes saved in 4 bits."""
        return config.get("quant_method") == "bitsandbytes" and bool(config.get("load_in_4bit"))

    def recognize(self, module: torch.nn.Module) -> str | None:
        """Recognizes a layer by the state that its weight carries; without one it was never quantized."""
        state = _state_of(getattr(module, "weight", None))
        return None if state is None else str(state.quant_type)

    def read_settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """The settings in the weight's state, and the dtype that the product is computed in."""
        state = _state_of(module.weight)
        compute = getattr(module, "compute_dtype", None)
        is_packed = _is_packed_for_cpu(module)
        return {
            "block_size": int(state.blocksize),
            "double_quant": bool(state.nested),
            "compute_dtype": _CPU_KERNEL_DTYPE if is_packed else None if compute is None else dtype_name(compute),
        }

    def decided_by_kernel(self, module: torch.nn.Module) -> frozenset[str]:
        """Packing for the CPU's kernel undoes double quantization, and the kernel supports only one dtype."""
        return frozenset({"double_quant", "compute_dtype"}) if _is_packed_for_cpu(module) else frozenset()

    def count_elements(self, tensor: torch.Tensor) -> int | None:
        """The number of weights in the original shape, which the state remembers."""
        state = _state_of(tensor)
        return None if state is None else int(torch.Size(state.shape).numel())

    def wanted(self, asked: Quantization4bit, dtype: str) -> dict[str, Any]:
        """Type, double quantization and compute dtype; ``auto`` is the model's own dtype."""
        compute = asked["compute_dtype"]
        return {
            "type": asked["type"],
            "double_quant": asked["double_quant"],
            "compute_dtype": dtype if compute == "auto" else compute,
        }

    def formats(self) -> dict[str, dict[str, Any]]:
        """``fp4`` and ``nf4``."""
        return {name: {"type": name} for name in ("fp4", "nf4")}

    def sample_layer(self, asked: Quantization4bit) -> torch.nn.Module:
        """Bitsandbytes' own layer."""
        import bitsandbytes as bnb

        return bnb.nn.Linear4bit(128, 128, quant_type=asked["type"])


def _state_of(weight: Any) -> Any:
    state = getattr(weight, "quant_state", None)
    return state if is_of_bitsandbytes(state, "QuantState") else None


def _is_packed_for_cpu(module: torch.nn.Module) -> bool:
    return bool(getattr(_state_of(module.weight), "packing_format_for_cpu", False))
