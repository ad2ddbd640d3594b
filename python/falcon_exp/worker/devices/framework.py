"""What torch.cuda (ROCm builds included) and torch.xpu have in common: memory, synchronization, events."""

from __future__ import annotations

from typing import Any

import torch

from falcon_exp.worker.devices.accelerator import Peak, Stopwatch
from falcon_exp.worker.devices.live_map import find_accelerator_indices
from falcon_exp.worker.devices.stopwatch import EventStopwatch


class FrameworkAccelerator:
    """``api`` is torch.cuda or torch.xpu, which share the names that are used here."""

    def __init__(self, kind: str, api: Any) -> None:
        self.kind = kind
        self._api = api

    def count_cards(self) -> int:
        """The number of visible devices."""
        return int(self._api.device_count())

    def get_torch_device(self, index: int) -> torch.device:
        """Such as ``cuda:1``."""
        return torch.device(self.kind, index)

    def prepare(self, indices: list[int]) -> None:
        """Does nothing: the framework starts a card when it is first used."""

    def find_indices(self, model: Any, target: int | None) -> list[int]:
        """Found from the live tensors and hooks; ``target`` would add nothing."""
        del target
        return find_accelerator_indices(model, self.kind)

    def has_context(self) -> bool:
        """Whether torch has started the driver in this process."""
        return bool(self._api.is_initialized())

    def synchronize(self, index: int) -> None:
        """Waits for a card that holds a part of the model; for any other card, this would create a context there."""
        self._api.synchronize(index)

    def reset_peak(self, index: int) -> None:
        """Resets without ``empty_cache``, which would move allocations into the time of the next generate."""
        self._api.reset_peak_memory_stats(index)

    def read_peak(self, index: int) -> Peak:
        """The peak of torch's caching allocator."""
        allocated = int(self._api.max_memory_allocated(index))
        return Peak(allocated, int(self._api.max_memory_reserved(index)))

    def read_allocated_bytes(self, index: int) -> int:
        """Bytes allocated by torch's caching allocator; 0 before the driver is started."""
        return int(self._api.memory_allocated(index)) if self.has_context() else 0

    def release_cached(self) -> None:
        """Called once after a load, never before a timed generate."""
        if self.has_context():
            self._api.empty_cache()

    def make_stopwatch(self, index: int) -> Stopwatch:
        """A stopwatch that uses events on the card's current stream."""

        def make_event() -> Any:
            event = self._api.Event(enable_timing=True)
            event.record(self._api.current_stream(index))
            return event

        return EventStopwatch(make_event, lambda: self._api.synchronize(index))
