"""What NVML and RAPL say. Null wherever they say nothing; never raises."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

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
    """The answer, or None where this card, driver or container does not tell."""
    try:
        return question(*args)
    except (pynvml.NVMLError, AttributeError, TypeError):
        return None


def _text(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class Nvml:
    """NVML for the GPUs that this process may use. Without a driver it has no devices."""

    def __init__(self) -> None:
        self._handles: list[tuple[int, Any]] = []
        if pynvml is None:
            return
        with suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            count = pynvml.nvmlDeviceGetCount()
            self._handles = [(index, pynvml.nvmlDeviceGetHandleByIndex(index)) for index in range(count)]

    @property
    def is_available(self) -> bool:
        """Whether NVML sees a GPU."""
        return bool(self._handles)

    def driver_version(self) -> str | None:
        """Of the NVIDIA driver; None without a GPU."""
        return _text(_ask(pynvml.nvmlSystemGetDriverVersion)) if self.is_available else None

    def describe(self) -> list[dict[str, Any]]:
        """Index, name, memory and compute capability of each GPU."""
        described = []
        for index, handle in self._handles:
            memory = _ask(pynvml.nvmlDeviceGetMemoryInfo, handle)
            capability = _ask(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
            described.append(
                {
                    "index": index,
                    "name": _text(_ask(pynvml.nvmlDeviceGetName, handle)) or "unknown",
                    "memory_total_bytes": 0 if memory is None else int(memory.total),
                    "compute_capability": None if capability is None else ".".join(str(part) for part in capability),
                }
            )
        return described

    def state(self) -> list[dict[str, Any]] | None:
        """Clocks, temperature, power and throttle reasons of each GPU; None without one."""
        if not self.is_available:
            return None
        return [self._state_of(index, handle) for index, handle in self._handles]

    def _state_of(self, index: int, handle: Any) -> dict[str, Any]:
        power = _ask(pynvml.nvmlDeviceGetPowerUsage, handle)
        reasons = _ask(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        return {
            "index": index,
            "sm_clock_mhz": _ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_SM),
            "memory_clock_mhz": _ask(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_MEM),
            "temperature_celsius": _ask(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU),
            "power_watts": None if power is None else power / 1000,
            "throttle_reasons": None if reasons is None else _reason_names(reasons),
        }

    def others(self) -> list[dict[str, Any]]:
        """What holds each GPU back or uses it, before this worker does."""
        return [self._others_on(index, handle) for index, handle in self._handles]

    def _others_on(self, index: int, handle: Any) -> dict[str, Any]:
        processes = _ask(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
        foreign = None if processes is None else [process for process in processes if process.pid != os.getpid()]
        utilization = _ask(pynvml.nvmlDeviceGetUtilizationRates, handle)
        limit = _ask(pynvml.nvmlDeviceGetPowerManagementLimit, handle)
        usual = _ask(pynvml.nvmlDeviceGetPowerManagementDefaultLimit, handle)
        reasons = _ask(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        return {
            "index": index,
            "other_processes": None if foreign is None else len(foreign),
            "other_memory_bytes": None if foreign is None else sum(int(one.usedGpuMemory or 0) for one in foreign),
            "utilization_percent": None if utilization is None else int(utilization.gpu),
            "power_limit_watts": None if limit is None else limit / 1000,
            "power_limit_default_watts": None if usual is None else usual / 1000,
            "throttle_reasons": None if reasons is None else _reason_names(reasons),
        }

    def memory_used_bytes(self) -> tuple[int | None, str | None]:
        """Memory of this process on all GPUs, or None and why."""
        if not self.is_available:
            return None, "no CUDA device"
        total = 0
        found = False
        for _, handle in self._handles:
            processes = _ask(pynvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
            for process in processes:
                if process.pid == os.getpid() and process.usedGpuMemory is not None:
                    total += int(process.usedGpuMemory)
                    found = True
        return (total, None) if found else (None, "NVML does not list this process (a container hides process ids)")

    def energy_millijoules(self) -> list[int] | None:
        """The cards' own energy counters; None where any of them has none."""
        readings = [_ask(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle) for _, handle in self._handles]
        if not readings or any(reading is None for reading in readings):
            return None
        return [int(reading) for reading in readings]


def _reason_names(bits: int) -> list[str]:
    names = []
    for name in _THROTTLE_REASONS:
        mask = getattr(pynvml, f"nvmlClocksThrottleReason{name}", 0)
        if mask and bits & mask:
            names.append(name)
    return names


class EnergyMeter:
    """Joules from its making to ``stop``: NVML where there is a GPU, else RAPL where it may be read, else None."""

    def __init__(self, nvml: Nvml, powercap: Path = Path("/sys/class/powercap")) -> None:
        self._nvml = nvml
        self._packages = sorted(powercap.glob("intel-rapl:[0-9]*")) if powercap.is_dir() else []
        self._packages = [path for path in self._packages if path.name.count(":") == 1]
        self._gpu_before = nvml.energy_millijoules()
        self._cpu_before = None if nvml.is_available else self._rapl()

    def _rapl(self) -> list[int] | None:
        try:
            readings = [int((path / "energy_uj").read_text()) for path in self._packages]
        except (OSError, ValueError):
            return None
        return readings or None

    def stop(self) -> tuple[float | None, str | None]:
        """(joules, source); (None, None) where nothing tells."""
        if self._gpu_before is not None:
            after = self._nvml.energy_millijoules()
            if after is not None:
                return max(0, sum(after) - sum(self._gpu_before)) / 1e3, "nvml"
        if self._cpu_before is not None:
            after = self._rapl()
            if after is not None and len(after) == len(self._cpu_before):
                return sum(self._wrapped(after)) / 1e6, "rapl"
        return None, None

    def _wrapped(self, after: list[int]) -> list[int]:
        """Differences in µJ; a counter that began anew has passed its own maximum once."""
        assert self._cpu_before is not None
        differences = []
        for path, before, now in zip(self._packages, self._cpu_before, after, strict=True):
            span = 0
            with suppress(OSError, ValueError):
                span = int((path / "max_energy_range_uj").read_text())
            differences.append(now - before if now >= before else now - before + span)
        return differences
