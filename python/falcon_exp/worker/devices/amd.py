"""AMD's management library, for ROCm builds of torch. Never raises. Has not been run on a GPU (docs/gpu.md)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from falcon_exp.worker.devices.neighbours import count_others

try:
    import amdsmi
except (ImportError, KeyError, OSError):
    # The package loads the driver's library when it is imported, and raises KeyError or OSError if there is none.
    amdsmi = None


def _ask(question: Callable[..., Any], *args: Any) -> Any:
    """The answer, or None if this card or driver gives none."""
    try:
        return question(*args)
    except (amdsmi.AmdSmiException, AttributeError, KeyError, TypeError):
        return None


class AmdDriver:
    """Knows cards by their PCI address. Without a driver, or without the library, it knows none."""

    energy_source = "amdsmi"

    def __init__(self) -> None:
        self._is_ready = False
        if amdsmi is not None:
            try:
                amdsmi.amdsmi_init()
                self._is_ready = True
            except amdsmi.AmdSmiException:
                pass

    def find_handle(self, uuids: list[str], pci_bus_id: str | None) -> Any:
        """Finds a card by its PCI address, because torch's UUID of an AMD card is not the library's."""
        del uuids
        if not self._is_ready or pci_bus_id is None:
            return None
        for handle in _ask(amdsmi.amdsmi_get_processor_handles) or []:
            if _is_same_address(self.get_pci_bus_id(handle), pci_bus_id):
                return handle
        return None

    def get_uuid(self, handle: Any) -> str | None:
        """The UUID as the library spells it."""
        uuid: str | None = _ask(amdsmi.amdsmi_get_gpu_device_uuid, handle)
        return uuid

    def get_pci_bus_id(self, handle: Any) -> str | None:
        """Such as ``0000:63:00.0``."""
        address: str | None = _ask(amdsmi.amdsmi_get_gpu_device_bdf, handle)
        return address

    def get_mig_profile(self, handle: Any) -> str | None:
        """Always None: torch sees AMD's partitions as separate cards."""
        del handle
        return None

    def read_state(self, handle: Any, *, is_used_here: bool) -> dict[str, Any]:
        """Clocks, temperature, power and neighbours."""
        return {
            "sm_clock_mhz": _read_clock(handle, "GFX"),
            "memory_clock_mhz": _read_clock(handle, "MEM"),
            "temperature_celsius": _read_temperature(handle),
            "power_watts": _read_power(handle),
            "throttle_reasons": None,
            **count_others(_list_processes(handle), is_used_here=is_used_here),
        }

    def read_limits(self, handle: Any, *, is_used_here: bool) -> dict[str, Any]:
        """Use by others and power limits."""
        activity = _ask(amdsmi.amdsmi_get_gpu_activity, handle) or {}
        cap = _ask(amdsmi.amdsmi_get_power_cap_info, handle) or {}
        use = activity.get("gfx_activity")
        return {
            **count_others(_list_processes(handle), is_used_here=is_used_here),
            "utilization_percent": use if isinstance(use, int) else None,
            "power_limit_watts": _from_microwatts(cap.get("power_cap")),
            "power_limit_default_watts": _from_microwatts(cap.get("default_power_cap")),
            "throttle_reasons": None,
        }

    def read_memory_used_bytes(self, handle: Any) -> int | None:
        """Memory that this process uses."""
        return next((size for pid, size in _list_processes(handle) or [] if pid == os.getpid()), None)

    def read_energy_millijoules(self, handle: Any) -> int | None:
        """The card's energy counter, which counts steps of ``counter_resolution`` microjoules."""
        counter = _ask(amdsmi.amdsmi_get_energy_count, handle)
        if counter is None:
            return None
        steps = counter.get("energy_accumulator", counter.get("power"))
        resolution = counter.get("counter_resolution")
        return None if steps is None or resolution is None else int(steps * resolution / 1e3)

    def read_driver_version(self) -> str | None:
        """Version of the first card's kernel driver."""
        for handle in _ask(amdsmi.amdsmi_get_processor_handles) or [] if self._is_ready else []:
            info = _ask(amdsmi.amdsmi_get_gpu_driver_info, handle)
            return None if info is None else info.get("driver_version")
        return None


def _is_same_address(one: str | None, other: str) -> bool:
    """Whether two PCI addresses are the same, as ``0000:63:00.0`` and ``00000000:63:00.0`` are."""
    if one is None:
        return False

    def split(address: str) -> tuple[int, str]:
        domain, _, rest = address.lower().partition(":")
        return int(domain, 16), rest

    return split(one) == split(other)


def _list_processes(handle: Any) -> list[tuple[int, int | None]] | None:
    processes = _ask(amdsmi.amdsmi_get_gpu_process_list, handle)
    if processes is None:
        return None
    return [(int(one["pid"]), (one.get("memory_usage") or {}).get("vram_mem")) for one in processes]


def _read_clock(handle: Any, name: str) -> int | None:
    clock = _ask(lambda: amdsmi.amdsmi_get_clock_info(handle, getattr(amdsmi.AmdSmiClkType, name)))
    found = None if clock is None else clock.get("clk")
    return found if isinstance(found, int) else None


def _read_temperature(handle: Any) -> int | None:
    value = _ask(
        lambda: amdsmi.amdsmi_get_temp_metric(
            handle, amdsmi.AmdSmiTemperatureType.HOTSPOT, amdsmi.AmdSmiTemperatureMetric.CURRENT
        )
    )
    return value if isinstance(value, int) and value >= 0 else None


def _read_power(handle: Any) -> float | None:
    info = _ask(amdsmi.amdsmi_get_power_info, handle) or {}
    for name in ("current_socket_power", "average_socket_power"):
        if isinstance(info.get(name), int | float):
            return float(info[name])
    return None


def _from_microwatts(value: Any) -> float | None:
    return value / 1e6 if isinstance(value, int | float) else None
