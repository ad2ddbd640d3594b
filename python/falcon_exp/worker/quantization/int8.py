"""bitsandbytes' LLM.int8()."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from falcon_exp.worker.quantization.method import Method, is_of_bitsandbytes
from falcon_exp.worker.wire_types import QuantizationInt8


class Int8(Method[QuantizationInt8]):
    """One byte per weight and a constant per row."""

    key: ClassVar[str] = "int8"
    settings: ClassVar[tuple[str, ...]] = ("int8_threshold",)

    def name(self, asked: QuantizationInt8) -> str:
        """``int8``."""
        return self.key

    def library_config(self, asked: QuantizationInt8, dtype: torch.dtype, skip: list[str] | None) -> Any:
        """Transformers' BitsAndBytesConfig."""
        from transformers import BitsAndBytesConfig

        return BitsAndBytesConfig(
            load_in_8bit=True, llm_int8_threshold=float(asked["threshold"]), llm_int8_skip_modules=skip
        )

    def looks_across_rows(self, asked: QuantizationInt8) -> bool:
        """True with a threshold, because outliers are then found over all rows."""
        return float(asked["threshold"]) > 0

    def takes_stored(self, config: dict[str, Any]) -> bool:
        """True for what bitsandbytes saved in 8 bits."""
        return config.get("quant_method") == "bitsandbytes" and bool(config.get("load_in_8bit"))

    def recognize(self, module: torch.nn.Module) -> str | None:
        """Recognizes a layer by its bytes, in the weight or the state: the first forward pass moves them."""
        if not is_of_bitsandbytes(module, "Linear8bitLt"):
            return None
        state = getattr(module, "state", None)
        is_held = module.weight.dtype == torch.int8 or (state is not None and state.CB is not None)
        return self.key if is_held else None

    def read_settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """The threshold above which a column is computed unquantized."""
        return {"int8_threshold": float(module.state.threshold)}

    def kept_of_input(self, module: torch.nn.Module) -> list[torch.Tensor]:
        """The indices of the last input's columns that lay above the threshold."""
        index = getattr(getattr(module, "state", None), "idx", None)
        return [index] if is_of_bitsandbytes(module, "Linear8bitLt") and isinstance(index, torch.Tensor) else []

    def wanted(self, asked: QuantizationInt8, dtype: str) -> dict[str, Any]:
        """The type and the threshold."""
        return {"type": self.key, "int8_threshold": float(asked["threshold"])}

    def formats(self) -> dict[str, dict[str, Any]]:
        """``int8``."""
        return {self.key: {}}

    def sample_layer(self, asked: QuantizationInt8) -> torch.nn.Module:
        """Bitsandbytes' own layer."""
        import bitsandbytes as bnb

        return bnb.nn.Linear8bitLt(128, 128, has_fp16_weights=False)
