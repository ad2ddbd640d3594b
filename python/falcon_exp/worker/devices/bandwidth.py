"""How fast this machine reads memory, which is the best-case limit for decoding one token at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch

from falcon_exp.worker.devices.accelerator import Accelerator, Stopwatch
from falcon_exp.worker.devices.stopwatch import HostStopwatch

#: Far larger than most caches, yet small enough for any machine that can hold a model.
_LEAST_BYTES = 256_000_000
_MOST_BYTES = 1_024_000_000
#: Where a second per worker matters more than this figure, as in tests, this variable sets a smaller maximum. The
#: environment record has it, and the size of the array.
MOST_BYTES_VARIABLE = "FALCON_EXP_BANDWIDTH_BYTES"
_PASSES = 5
#: Reads per pass on an accelerator: one of 1 GB takes 0.2 to 0.3 ms on an H100, about as long as the host takes to
#: launch it.
_CARD_READS = 20
_COLUMNS = 4096


def measure_bandwidth(accelerator: Accelerator | None) -> list[dict[str, Any]]:
    """Bytes read per second on the CPU (all of torch's threads) and on each card; devices that fail are left out.

    Takes the best of a few passes of a sum and of a matrix-vector product over one float32 array larger than the
    caches; on an accelerator, the device's own events time many reads.
    """
    found = []
    with suppress(RuntimeError, MemoryError):
        size = _choose_array_bytes()
        rate = _measure_read_rate(torch.device("cpu"), size, 1, HostStopwatch)
        found.append({"device": "cpu", "read_bytes_per_sec": rate, "array_bytes": size})
    if accelerator is None:
        return found
    for index in range(accelerator.count_cards()):
        with suppress(RuntimeError, MemoryError):
            size = min(_find_most_bytes(), accelerator.describe(index).memory_total_bytes // 4)
            size -= size % (4 * _COLUMNS)
            rate = _measure_card(accelerator, index, size)
            name = f"{accelerator.kind}:{index}"
            found.append({"device": name, "read_bytes_per_sec": rate, "array_bytes": size})
    return found


def _measure_card(accelerator: Accelerator, index: int, size: int) -> float:
    accelerator.prepare([index])
    place = accelerator.get_torch_device(index)
    # A simulated card computes on the CPU, where that many reads would take minutes.
    reads = 1 if place.type == "cpu" else _CARD_READS
    return _measure_read_rate(place, size, reads, lambda: accelerator.make_stopwatch(index))


def _find_most_bytes() -> int:
    asked = os.environ.get(MOST_BYTES_VARIABLE, "")
    return max(4 * _COLUMNS, int(asked)) if asked.isdecimal() else _MOST_BYTES


def _choose_array_bytes(caches: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Four times the largest cache, within bounds, and at most a quarter of what is free; a whole number of rows."""
    largest = 0
    for path in caches.glob("index*/size"):
        with suppress(OSError, ValueError):
            text = path.read_text().strip()
            unit = {"K": 1024, "M": 1024**2}.get(text[-1:], 1)
            largest = max(largest, int(text.rstrip("KM")) * unit)
    # A small machine should have room for a model, not be filled by this array.
    free = int(psutil.virtual_memory().available) // 4
    size = min(free, _find_most_bytes(), max(_LEAST_BYTES, 4 * largest))
    return size - size % (4 * _COLUMNS)


def _measure_read_rate(
    device: torch.device, size: int, reads_per_pass: int, make_stopwatch: Callable[[], Stopwatch]
) -> float:
    array = torch.ones(size // (4 * _COLUMNS), _COLUMNS, dtype=torch.float32, device=device)
    vector = torch.ones(_COLUMNS, dtype=torch.float32, device=device)
    reads: tuple[Callable[[], torch.Tensor], ...] = (array.sum, lambda: array @ vector)
    best = 0.0
    with torch.inference_mode():
        for read in reads:
            # The first read loads the kernel.
            read()
            for _ in range(_PASSES):
                stopwatch = make_stopwatch()
                stopwatch.begin()
                for _ in range(reads_per_pass):
                    read()
                stopwatch.end()
                best = max(best, reads_per_pass * size / max(stopwatch.read_sec(), 1e-9))
    return best
