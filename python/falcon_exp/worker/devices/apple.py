"""Apple's GPU. It has no peak counters, no UUID and no energy counter. Not run on a Mac (docs/gpu.md)."""

from __future__ import annotations

import platform
from typing import Any

import torch

from falcon_exp.worker.devices.accelerator import Card, Peak, Stopwatch
from falcon_exp.worker.devices.live_map import find_accelerator_indices
from falcon_exp.worker.devices.silent import SilentAccelerator
from falcon_exp.worker.devices.stopwatch import EventStopwatch


class AppleAccelerator(SilentAccelerator):
    """The one device of torch.mps."""

    kind = "mps"

    def count_cards(self) -> int:
        """One."""
        return 1

    def describe(self, index: int) -> Card:
        """Its memory is the machine's: what Metal recommends to use of it."""
        size = getattr(torch.mps, "recommended_max_memory", lambda: 0)()
        return Card(kind=self.kind, index=index, name=f"{platform.processor()} GPU", memory_total_bytes=int(size))

    def get_torch_device(self, index: int) -> torch.device:
        """``mps:0``."""
        return torch.device(self.kind, index)

    def prepare(self, indices: list[int]) -> None:
        """Nothing."""

    def find_indices(self, model: Any, target: int | None) -> list[int]:
        """[0] where a part of the model lies there."""
        del target
        return find_accelerator_indices(model, self.kind)

    def has_context(self) -> bool:
        """Metal starts with the first use; asking for it would be one."""
        return True

    def synchronize(self, index: int) -> None:
        """Waits for the device."""
        del index
        torch.mps.synchronize()

    def reset_peak(self, index: int) -> None:
        """There is no peak."""

    def read_peak(self, index: int) -> Peak:
        """Unknown: Metal's allocator keeps none. The process's peak RSS holds the device's memory too."""
        del index
        return Peak(None, None)

    def read_allocated_bytes(self, index: int) -> int:
        """Of tensors."""
        del index
        return int(torch.mps.current_allocated_memory())

    def release_cached(self) -> None:
        """Gives cached buffers back."""
        torch.mps.empty_cache()

    def make_stopwatch(self, index: int) -> Stopwatch:
        """By Metal's events."""
        del index

        def make_event() -> Any:
            event = torch.mps.event.Event(enable_timing=True)
            event.record()
            return event

        return EventStopwatch(make_event, torch.mps.synchronize)

    def read_memory_used_bytes(self, index: int) -> int | None:
        """Metal's allocations of this process."""
        del index
        return int(torch.mps.driver_allocated_memory())

    def read_driver_version(self) -> str | None:
        """The system's release."""
        return platform.mac_ver()[0] or None
