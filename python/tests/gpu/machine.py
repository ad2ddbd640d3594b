"""The GPU machine that the tests run on, with its cards as the worker reports them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcon_exp.worker.devices.simulated import card_file


def find_reason_to_skip() -> str | None:
    """None if there is a CUDA device or a simulated one is named. Starts no driver in this process."""
    if card_file.read_from_environment() is not None:
        return None
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    import torch

    if torch.cuda.is_available():
        return None
    built = "this torch is built for CPUs" if torch.version.cuda is None else "torch sees no CUDA device"
    return f"no GPU: {built}, and {card_file.VARIABLE} names no simulated one"


@dataclass(frozen=True)
class GpuMachine:
    """``environment`` is the worker's answer to ``start``."""

    environment: dict[str, Any]
    is_simulated: bool

    @property
    def card(self) -> dict[str, Any]:
        """The card that is measured: ``cuda:0``."""
        card: dict[str, Any] = self.environment["gpus"][0]
        return card

    @property
    def other_card(self) -> dict[str, Any]:
        """The last card, which is not the first one if the machine has several."""
        card: dict[str, Any] = self.environment["gpus"][-1]
        return card

    def shrink_card(self, memory_bytes: int, folder: Path) -> dict[str, str]:
        """Returns the worker environment that limits the memory of the first simulated card to this many bytes."""
        told = json.loads(Path(os.environ[card_file.VARIABLE]).read_text("utf-8"))
        told["cards"][0]["memory_total_bytes"] = memory_bytes
        path = folder / "small-cards.json"
        path.write_text(json.dumps(told))
        return {card_file.VARIABLE: str(path)}
