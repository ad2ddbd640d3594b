"""Whether the machine is quiet before anything is measured: what else runs on it, and what throttles its clocks."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from falcon_exp.worker.devices.accelerator import Accelerator
from falcon_exp.worker.devices.noise import read_throttle_events

_SAMPLE_SEC = 0.3
_CPUS = Path("/sys/devices/system/cpu")


def read_machine_state(accelerator: Accelerator | None, cpus: Path = _CPUS) -> dict[str, Any]:
    """``machineStateSchema`` of the wire format. Sleeps while it samples, so that all the work it sees is others'."""
    indices = range(0 if accelerator is None else accelerator.count_cards())
    return {
        "sample_sec": _SAMPLE_SEC,
        "busy_cores": _busy_cores(),
        "load_average_1min": _load_average(),
        "cpu_governor": _governor(cpus),
        "cpu_throttle_events": read_throttle_events(cpus),
        "swap_used_bytes": _swap_used_bytes(),
        "gpus": [] if accelerator is None else [accelerator.read_limits(index) for index in indices],
    }


def _busy_cores() -> float | None:
    """How many cores anyone keeps busy while this process sleeps; time stolen by a hypervisor's other guests counts."""
    try:
        before = psutil.cpu_times()
        started = time.perf_counter()
        time.sleep(_SAMPLE_SEC)
        elapsed = time.perf_counter() - started
        after = psutil.cpu_times()
    except (OSError, psutil.Error):
        return None
    names = [name for name in after._fields if name not in ("idle", "iowait", "guest", "guest_nice")]
    busy = sum(getattr(after, name) - getattr(before, name) for name in names)
    return max(0.0, float(busy) / elapsed)


def _load_average() -> float | None:
    try:
        return float(os.getloadavg()[0])
    except OSError:
        return None


def _governor(cpus: Path) -> str | None:
    """The cores' governor, several joined by ``+``; None if the kernel does not tell (many virtual machines)."""
    found = set()
    for path in cpus.glob("cpu[0-9]*/cpufreq/scaling_governor"):
        with suppress(OSError):
            found.add(path.read_text(encoding="ascii").strip())
    return "+".join(sorted(found)) or None


def _swap_used_bytes() -> int | None:
    try:
        return int(psutil.swap_memory().used)
    except (OSError, RuntimeError, psutil.Error):
        return None
