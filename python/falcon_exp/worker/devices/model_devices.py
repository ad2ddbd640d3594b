"""The devices of one loaded model: everything is measured on these, and no other device is asked for anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from falcon_exp.worker.devices.accelerator import Accelerator, Card, Stopwatch
from falcon_exp.worker.devices.energy import CardEnergyMeter, CpuEnergyMeter
from falcon_exp.worker.devices.rapl import Rapl
from falcon_exp.worker.devices.stopwatch import HostStopwatch, WaitingStopwatch


@dataclass(frozen=True)
class DevicePeak:
    """The most bytes held since ``reset_peaks``, over all of the model's cards; None if an allocator does not tell."""

    allocated_bytes: int | None
    allocated_bytes_by_device: list[int] | None
    reserved_bytes: int | None


class ModelDevices:
    """``indices`` are those of the model's cards in the accelerator; a model on the CPU has none."""

    def __init__(self, accelerator: Accelerator | None, indices: list[int], rapl: Rapl) -> None:
        self._accelerator = accelerator if indices else None
        self._indices = indices
        self._rapl = rapl

    @cached_property
    def cards(self) -> list[Card]:
        """Identity of each card."""
        accelerator = self._accelerator
        return [] if accelerator is None else [accelerator.describe(index) for index in self._indices]

    def name_devices(self) -> list[str]:
        """The UUID of each card, or a name such as ``cuda:0`` if it has none; empty on the CPU."""
        return [card.uuid or f"{card.kind}:{card.index}" for card in self.cards]

    def synchronize(self) -> None:
        """Waits until every card of the model has finished its work."""
        if self._accelerator is not None:
            for index in self._indices:
                self._accelerator.synchronize(index)

    def reset_peaks(self) -> None:
        """Resets the peaks without giving back cached memory, which would slow down whatever is timed next."""
        if self._accelerator is not None:
            for index in self._indices:
                self._accelerator.reset_peak(index)

    def read_peak(self) -> DevicePeak:
        """The peak since ``reset_peaks``."""
        if self._accelerator is None:
            return DevicePeak(None, None, None)
        peaks = [self._accelerator.read_peak(index) for index in self._indices]
        allocated = [peak.allocated_bytes for peak in peaks if peak.allocated_bytes is not None]
        reserved = [peak.reserved_bytes for peak in peaks if peak.reserved_bytes is not None]
        if len(allocated) < len(peaks):
            return DevicePeak(None, None, None)
        return DevicePeak(sum(allocated), allocated, sum(reserved))

    def read_allocated_bytes(self) -> int:
        """Bytes of the tensors that exist now; 0 on the CPU."""
        if self._accelerator is None:
            return 0
        return sum(self._accelerator.read_allocated_bytes(index) for index in self._indices)

    def release_cached(self) -> None:
        """Called after a load, never before a timed generate."""
        if self._accelerator is not None:
            self._accelerator.release_cached()

    def read_states(self) -> list[dict[str, Any]] | None:
        """Clocks, throttle reasons and neighbours of each card; None on the CPU."""
        if self._accelerator is None:
            return None
        return [self._accelerator.read_state(index) for index in self._indices]

    def read_memory_used(self) -> tuple[int | None, str | None]:
        """Memory of this process on the model's cards as the driver counts it, or None and why."""
        if self._accelerator is None:
            return None, "the model lies on no accelerator"
        used = [self._accelerator.read_memory_used_bytes(index) for index in self._indices]
        known = [size for size in used if size is not None]
        if len(known) < len(used):
            return None, "the driver does not list this process (a container hides process ids)"
        return sum(known), None

    @cached_property
    def _energy_step_sec(self) -> float | None:
        """Seconds between two steps of the slowest card's counter; None if unknown."""
        if self._accelerator is None:
            return None
        steps = [self._accelerator.measure_energy_step_sec(index) for index in self._indices]
        return max((step for step in steps if step is not None), default=None)

    def start_energy(self) -> CardEnergyMeter | CpuEnergyMeter:
        """Starts a meter. The first call finds out how often the counters step, which takes a moment."""
        if self._accelerator is None:
            return CpuEnergyMeter(self._rapl)
        return CardEnergyMeter(self._accelerator, self._indices, self._energy_step_sec)

    def make_stopwatch(self, device: Any) -> Stopwatch:
        """A stopwatch for work on ``device``, a torch.device."""
        if self._accelerator is None or device.type != self._accelerator.kind:
            return HostStopwatch()
        return self._accelerator.make_stopwatch(device.index or 0)

    def make_forward_stopwatch(self) -> Stopwatch:
        """For a whole forward pass; waits for a spread model, because events of two cards cannot be subtracted."""
        if self._accelerator is None:
            return HostStopwatch()
        if len(self._indices) == 1:
            return self._accelerator.make_stopwatch(self._indices[0])
        return WaitingStopwatch(self.synchronize)
