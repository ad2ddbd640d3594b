"""NVIDIA's management library: clocks, memory, energy and neighbours of cards given by UUID. Never raises."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from falcon_exp.worker.devices.neighbours import count_others

try:
    import pynvml
except ImportError:
    pynvml = None

_THROTTLE_REASONS = (
    "GpuIdle",
    "ApplicationsClocksSetting",
    "SwPowerCap",
    "HwSlowdown",
    "SyncBoost",
    "SwThermalSlowdown",
    "HwThermalSlowdown",
    "HwPowerBrakeSlowdown",
    "DisplayClockSetting",
)


def _ask(question: Callable[..., Any], *args: Any) -> Any:
    """The answer, or None if this card, driver or container gives none."""
    try:
        return question(*args)
    except (pynvml.NVMLError, AttributeError, TypeError):
        return None


def _text(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class NvmlDriver:
    """Without a driver, or without the library, it knows no card."""

    energy_source = "nvml"

    def __init__(self) -> None:
        self._is_ready = False
        if pynvml is None:
            return
        with suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            self._is_ready = True

    def find_handle(self, uuids: list[str], pci_bus_id: str | None) -> Any:
        """Finds a card by UUID, or else by PCI address, for frameworks that know no UUID."""
        if not self._is_ready:
            return None
        for uuid in uuids:
            handle = _ask(pynvml.nvmlDeviceGetHandleByUUID, uuid.encode())
            if handle is not None:
                return handle
        return None if pci_bus_id is None else _ask(pynvml.nvmlDeviceGetHandleByPciBusId, pci_bus_id.encode())

    def get_uuid(self, handle: Any) -> str | None:
        """``GPU-…`` or ``MIG-…``."""
        return _text(_ask(pynvml.nvmlDeviceGetUUID, handle))

    def get_pci_bus_id(self, handle: Any) -> str | None:
        """The PCI address; a MIG slice has the address of its card."""
        info = _ask(pynvml.nvmlDeviceGetPciInfo, handle)
        return None if info is None else _text(info.busId)

    def get_mig_profile(self, handle: Any) -> str | None:
        """``1g.10gb``, from the end of a slice's name ("NVIDIA H100 80GB HBM3 MIG 1g.10gb")."""
        if not _ask(pynvml.nvmlDeviceIsMigDeviceHandle, handle):
            return None
        name = _text(_ask(pynvml.nvmlDeviceGetName, handle)) or ""
        return name.partition(" MIG ")[2] or "unknown"

    def read_state(self, handle: Any, *, is_used_here: bool) -> dict[str, Any]:
        """Clocks, temperature, power, throttle reasons and neighbours."""
        power = _ask(pynvml.nvmlDeviceGetPowerUsage, handle)
        others = count_others(_list_processes(handle), is_used_here=is_used_here)
        return {
            "sm_clock_mhz": _ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_SM),
            "memory_clock_mhz": _ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_MEM),
            "temperature_celsius": _ask(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU),
            "power_watts": None if power is None else power / 1000,
            "throttle_reasons": _read_throttle_reasons(handle),
            **others,
        }

    def read_limits(self, handle: Any, *, is_used_here: bool) -> dict[str, Any]:
        """Use by others and power limits."""
        utilization = _ask(pynvml.nvmlDeviceGetUtilizationRates, handle)
        limit = _ask(pynvml.nvmlDeviceGetPowerManagementLimit, handle)
        usual = _ask(pynvml.nvmlDeviceGetPowerManagementDefaultLimit, handle)
        return {
            **count_others(_list_processes(handle), is_used_here=is_used_here),
            "utilization_percent": None if utilization is None else int(utilization.gpu),
            "power_limit_watts": None if limit is None else limit / 1000,
            "power_limit_default_watts": None if usual is None else usual / 1000,
            "throttle_reasons": _read_throttle_reasons(handle),
        }

    def read_memory_used_bytes(self, handle: Any) -> int | None:
        """Memory that this process uses; None if a container hides process ids."""
        processes = _ask(pynvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
        for process in processes:
            if process.pid == os.getpid() and process.usedGpuMemory is not None:
                return int(process.usedGpuMemory)
        return None

    def read_energy_millijoules(self, handle: Any) -> int | None:
        """Energy since the driver was loaded."""
        counter = _ask(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        return None if counter is None else int(counter)

    def read_driver_version(self) -> str | None:
        """Version of the kernel driver."""
        return _text(_ask(pynvml.nvmlSystemGetDriverVersion)) if self._is_ready else None


def _list_processes(handle: Any) -> list[tuple[int, int | None]] | None:
    """(process id, bytes) of every process that computes on the card; None if the driver does not tell."""
    processes = _ask(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
    if processes is None:
        return None
    return [(int(one.pid), None if one.usedGpuMemory is None else int(one.usedGpuMemory)) for one in processes]


def _read_throttle_reasons(handle: Any) -> list[str] | None:
    bits = _ask(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
    if bits is None:
        return None
    names = []
    for name in _THROTTLE_REASONS:
        mask = getattr(pynvml, f"nvmlClocksThrottleReason{name}", 0)
        if mask and bits & mask:
            names.append(name)
    return names
