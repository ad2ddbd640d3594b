"""Whatever quantization the files have, as Transformers loads it."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from falcon_exp.worker.quantization.method import Method
from falcon_exp.worker.wire_types import QuantizationAsStored


class AsStored(Method[QuantizationAsStored]):
    """Asks nothing of the library, and expects nothing certain of the model: the census tells what it is."""

    key: ClassVar[str] = "as-stored"
    is_certain: ClassVar[bool] = False

    def name(self, asked: QuantizationAsStored) -> str:
        """``as-stored``."""
        return self.key

    def library_config(self, asked: QuantizationAsStored, dtype: torch.dtype, skip: list[str] | None) -> None:
        """None, because the files' own config is used."""

    def looks_across_rows(self, asked: QuantizationAsStored) -> bool:
        """Always True, because files may be quantized by any method, including one that does."""
        return True

    def takes_stored(self, config: dict[str, Any]) -> bool:
        """Always True: any quantized files are accepted."""
        return True
