"""Apple's GPU. It has no peak counters, no UUID and no energy counter. Has not been run on a Mac (docs/gpu.md)."""

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
        """Always one."""
        return 1

    def describe(self, index: int) -> Card:
        """Its memory size is the part of the machine's memory that Metal recommends to use."""
        size = getattr(torch.mps, "recommended_max_memory", lambda: 0)()
        return Card(kind=self.kind, index=index, name=f"{platform.processor()} GPU", memory_total_bytes=int(size))

    def get_torch_device(self, index: int) -> torch.device:
        """``mps:0``."""
        return torch.device(self.kind, index)

    def prepare(self, indices: list[int]) -> None:
        """Does nothing."""

    def find_indices(self, model: Any, target: int | None) -> list[int]:
        """[0] if a part of the model is on the GPU."""
        del target
        return find_accelerator_indices(model, self.kind)

    def has_context(self) -> bool:
        """Always True: Metal starts when it is first used, and asking would be a use."""
        return True

    def synchronize(self, index: int) -> None:
        """Waits for the device."""
        del index
        torch.mps.synchronize()

    def reset_peak(self, index: int) -> None:
        """Does nothing: there is no peak counter."""

    def read_peak(self, index: int) -> Peak:
        """Unknown: Metal's allocator keeps no peak. The process's peak RSS includes the device's memory."""
        del index
        return Peak(None, None)

    def read_allocated_bytes(self, index: int) -> int:
        """Bytes of the tensors that exist now."""
        del index
        return int(torch.mps.current_allocated_memory())

    def release_cached(self) -> None:
        """Gives back cached buffers."""
        torch.mps.empty_cache()

    def make_stopwatch(self, index: int) -> Stopwatch:
        """A stopwatch that uses Metal's events."""
        del index

        def make_event() -> Any:
            event = torch.mps.event.Event(enable_timing=True)
            event.record()
            return event

        return EventStopwatch(make_event, torch.mps.synchronize)

    def read_memory_used_bytes(self, index: int) -> int | None:
        """Memory that Metal has allocated for this process."""
        del index
        return int(torch.mps.driver_allocated_memory())

    def read_driver_version(self) -> str | None:
        """The release of macOS."""
        return platform.mac_ver()[0] or None
