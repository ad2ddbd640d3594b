"""The small interface that every kind of accelerator implements: cuda, xpu, mps and simulated."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch

#: The state of a card whose driver reports nothing.
UNKNOWN_STATE: dict[str, Any] = {
    "sm_clock_mhz": None,
    "memory_clock_mhz": None,
    "temperature_celsius": None,
    "power_watts": None,
    "throttle_reasons": None,
    "other_processes": None,
    "other_memory_bytes": None,
}
UNKNOWN_LIMITS: dict[str, Any] = {
    "other_processes": None,
    "other_memory_bytes": None,
    "utilization_percent": None,
    "power_limit_watts": None,
    "power_limit_default_watts": None,
    "throttle_reasons": None,
}


@dataclass(frozen=True)
class Card:
    """One device: the framework's index, by which it is called everywhere, and what ties it to the driver's list."""

    #: ``cuda``, ``xpu`` or ``mps``, as in an experiment's ``device``.
    kind: str
    #: The framework's index, counted among the visible devices.
    index: int
    name: str
    memory_total_bytes: int
    #: The driver's name for the card (``GPU-…``, ``MIG-…``); None if there is none.
    uuid: str | None = None
    pci_bus_id: str | None = None
    compute_capability: str | None = None
    #: Such as ``1g.10gb``; None for a whole card.
    mig_profile: str | None = None
    is_simulated: bool = False

    def to_wire(self) -> dict[str, Any]:
        """``cardSchema`` of the wire format."""
        return asdict(self)


@dataclass(frozen=True)
class Peak:
    """The most bytes that a card's allocator held since its last reset; None if the framework does not record them."""

    allocated_bytes: int | None
    reserved_bytes: int | None


class Stopwatch(Protocol):
    """Sums the time between ``begin`` and ``end`` of work on one device, without waiting for it in between."""

    def begin(self) -> None:
        """The work starts."""

    def end(self) -> None:
        """The work is over, or handed to the device."""

    def read_sec(self) -> float:
        """The sum in seconds; waits for the device."""
        ...


class Accelerator(Protocol):
    """The devices of one kind. Indices are the framework's. Whatever the driver does not report is None."""

    kind: str
    #: Name of the energy counters: ``nvml``, ``amdsmi``, …
    energy_source: str

    def count_cards(self) -> int:
        """How many devices this process may use."""
        ...

    def describe(self, index: int) -> Card:
        """Identity of a card. May start the driver."""
        ...

    def get_torch_device(self, index: int) -> torch.device:
        """The torch device of tensors on this card."""
        ...

    def prepare(self, indices: list[int]) -> None:
        """Called before anything is put on these cards."""

    def find_indices(self, model: Any, target: int | None) -> list[int]:
        """Cards of the live model, sorted. ``target`` is the one that was asked for, None if the library chose."""
        ...

    def has_context(self) -> bool:
        """Whether this process has started the driver."""
        ...

    def synchronize(self, index: int) -> None:
        """Waits until the card has finished its work."""

    def reset_peak(self, index: int) -> None:
        """Resets the peak counters without giving back cached memory."""

    def read_peak(self, index: int) -> Peak:
        """The peak since ``reset_peak``."""
        ...

    def read_allocated_bytes(self, index: int) -> int:
        """Bytes of the tensors that exist now."""
        ...

    def release_cached(self) -> None:
        """Gives back memory that the allocator keeps for later."""

    def make_stopwatch(self, index: int) -> Stopwatch:
        """A stopwatch that uses the device's own events."""
        ...

    def read_state(self, index: int) -> dict[str, Any]:
        """``gpuStateSchema``: clocks, temperature, power, throttle reasons, and who else uses the card."""
        ...

    def read_limits(self, index: int) -> dict[str, Any]:
        """``machineStateSchema.gpus``: use by others and power limits, before anything is measured."""
        ...

    def read_memory_used_bytes(self, index: int) -> int | None:
        """Memory that this process uses, as the driver counts it."""
        ...

    def read_energy_millijoules(self, index: int) -> int | None:
        """The card's own energy counter."""
        ...

    def measure_energy_step_sec(self, index: int) -> float | None:
        """Seconds between two steps of the energy counter."""
        ...

    def read_driver_version(self) -> str | None:
        """Version of the kernel driver."""
        ...
