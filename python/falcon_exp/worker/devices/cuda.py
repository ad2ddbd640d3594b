"""NVIDIA's cards, and AMD's with a ROCm build of torch. Has not been run on a GPU yet (docs/gpu.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch

from falcon_exp.worker.devices.accelerator import UNKNOWN_LIMITS, UNKNOWN_STATE, Card
from falcon_exp.worker.devices.energy import measure_step_sec
from falcon_exp.worker.devices.framework import FrameworkAccelerator


class Driver(Protocol):
    """What the vendor's management library reports about a card; None for whatever it does not report."""

    energy_source: str

    def find_handle(self, uuids: list[str], pci_bus_id: str | None) -> Any:
        """The library's handle of the card with one of these UUIDs, else at this PCI address; None if unknown."""

    def get_uuid(self, handle: Any) -> str | None:
        """The UUID as the library spells it."""

    def get_pci_bus_id(self, handle: Any) -> str | None:
        """Such as ``00000000:3B:00.0``."""

    def get_mig_profile(self, handle: Any) -> str | None:
        """The MIG profile; None for a whole card."""

    def read_state(self, handle: Any, *, is_used_here: bool) -> dict[str, Any]:
        """``gpuStateSchema`` without the index and the UUID."""
        ...

    def read_limits(self, handle: Any, *, is_used_here: bool) -> dict[str, Any]:
        """``machineStateSchema.gpus`` without the index."""
        ...

    def read_memory_used_bytes(self, handle: Any) -> int | None:
        """Memory that this process uses."""

    def read_energy_millijoules(self, handle: Any) -> int | None:
        """The card's energy counter."""

    def read_driver_version(self) -> str | None:
        """Version of the kernel driver."""


class CudaAccelerator(FrameworkAccelerator):
    """torch.cuda's devices, each tied to the driver's handle by its UUID.

    The management libraries list all cards of the machine by their PCI address, while torch lists the visible ones in
    an order of its own: only the UUID (or the PCI address) tells which is which.
    """

    def __init__(self, driver: Driver, api: Any = torch.cuda) -> None:
        super().__init__("cuda", api)
        self._driver = driver
        self._handles: dict[int, Any] = {}
        self.energy_source = driver.energy_source

    def _get_handle(self, index: int) -> Any:
        if index not in self._handles:
            properties = self._api.get_device_properties(index)
            self._handles[index] = self._driver.find_handle(_list_uuids(properties), _format_pci_bus_id(properties))
        return self._handles[index]

    def _ask(self, question: Callable[[Any], Any], index: int) -> Any:
        handle = self._get_handle(index)
        return None if handle is None else question(handle)

    def describe(self, index: int) -> Card:
        """Starts the driver, because CUDA reports a card's properties only then."""
        properties = self._api.get_device_properties(index)
        uuids = _list_uuids(properties)
        capability = getattr(properties, "major", None), getattr(properties, "minor", None)
        return Card(
            kind=self.kind,
            index=index,
            name=str(properties.name),
            memory_total_bytes=int(properties.total_memory),
            uuid=self._ask(self._driver.get_uuid, index) or (uuids[0] if uuids else None),
            pci_bus_id=self._ask(self._driver.get_pci_bus_id, index) or _format_pci_bus_id(properties),
            compute_capability=None if None in capability else ".".join(str(part) for part in capability),
            mig_profile=self._ask(self._driver.get_mig_profile, index),
        )

    def read_state(self, index: int) -> dict[str, Any]:
        """Clocks, temperature, power, throttle reasons and neighbours."""
        handle = self._get_handle(index)
        told = UNKNOWN_STATE if handle is None else self._driver.read_state(handle, is_used_here=self._is_used(index))
        return {"index": index, "uuid": self._ask(self._driver.get_uuid, index), **told}

    def read_limits(self, index: int) -> dict[str, Any]:
        """Use by others and power limits."""
        handle = self._get_handle(index)
        told = UNKNOWN_LIMITS if handle is None else self._driver.read_limits(handle, is_used_here=self._is_used(index))
        return {"index": index, **told}

    def _is_used(self, index: int) -> bool:
        """Whether this process holds memory on the card, and so is in the driver's list of processes."""
        return self.has_context() and int(self._api.memory_reserved(index)) > 0

    def read_memory_used_bytes(self, index: int) -> int | None:
        """Memory that this process uses as the driver counts it, context and caches included."""
        used: int | None = self._ask(self._driver.read_memory_used_bytes, index)
        return used

    def read_energy_millijoules(self, index: int) -> int | None:
        """The card's energy counter; None on a MIG slice, which has none of its own."""
        counter: int | None = self._ask(self._driver.read_energy_millijoules, index)
        return counter

    def measure_energy_step_sec(self, index: int) -> float | None:
        """Seconds between two steps of the energy counter, found by watching it for a moment."""
        return measure_step_sec(lambda: self.read_energy_millijoules(index))

    def read_driver_version(self) -> str | None:
        """Version of the kernel driver."""
        return self._driver.read_driver_version()


def hold_card_within(index: int, memory_bytes: int) -> None:
    """Limits how much of a card PyTorch's allocator may use; beyond that it fails as on a full card."""
    total = torch.cuda.get_device_properties(index).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, memory_bytes / total), index)


def _list_uuids(properties: Any) -> list[str]:
    """Spellings of the card's UUID: torch leaves out the prefix, which is not the same for a card and a MIG slice."""
    uuid = getattr(properties, "uuid", None)
    if uuid is None:
        return []
    text = str(uuid)
    return [text] if text.startswith(("GPU-", "MIG-")) else [f"GPU-{text}", f"MIG-{text}", text]


def _format_pci_bus_id(properties: Any) -> str | None:
    bus = getattr(properties, "pci_bus_id", None)
    if bus is None:
        return None
    domain, device = getattr(properties, "pci_domain_id", 0), getattr(properties, "pci_device_id", 0)
    return f"{domain:08X}:{bus:02X}:{device:02X}.0"
