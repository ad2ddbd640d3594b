"""Whatever quantization the files have, as Transformers loads it."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from falcon_exp.worker.quantization.method import Method


class AsStored(Method):
    """Nothing is asked of the library, and nothing certain of the model: the census tells what it is."""

    key: ClassVar[str] = "as-stored"
    is_certain: ClassVar[bool] = False

    def name(self, asked: dict[str, Any]) -> str:
        """``as-stored``."""
        return self.key

    def library_config(self, asked: dict[str, Any], dtype: torch.dtype, skip: list[str] | None) -> None:
        """Nothing: the files' own is taken."""

    def looks_across_rows(self, asked: dict[str, Any]) -> bool:
        """Files may hold any method, also one that does."""
        return True

    def takes_stored(self, config: dict[str, Any]) -> bool:
        """Any."""
        return True
