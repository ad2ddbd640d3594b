"""No quantization: weights as they are stored, in 16 or 32 bits."""

from __future__ import annotations

from typing import ClassVar

import torch

from falcon_exp.worker.quantization.method import Method
from falcon_exp.worker.wire_types import QuantizationNone


class Unquantized(Method[QuantizationNone]):
    """Asks nothing of the library; nothing below 16 bits may be found."""

    key: ClassVar[str] = "none"
    is_quantizing: ClassVar[bool] = False

    def name(self, asked: QuantizationNone) -> str:
        """``none``."""
        return self.key

    def library_config(self, asked: QuantizationNone, dtype: torch.dtype, skip: list[str] | None) -> None:
        """None, because nothing is quantized."""
