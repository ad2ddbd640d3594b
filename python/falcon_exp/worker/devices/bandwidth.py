"""How fast this machine reads memory: what decoding one token at a time can at best be limited by."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

#: Far beyond most caches, small enough for any machine that holds a model.
_LEAST_BYTES = 256_000_000
_MOST_BYTES = 1_024_000_000
_PASSES = 5
_COLUMNS = 4096


def measure_bandwidth() -> list[dict[str, Any]]:
    """Bytes read a second on the CPU (all of torch's threads) and on each CUDA device; devices that fail are left out.

    The best of a few passes of a sum and of a matrix-vector product over one float32 array larger than the caches.
    """
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    found = []
    for device in devices:
        with suppress(RuntimeError, MemoryError):
            size = _array_bytes() if device == "cpu" else _MOST_BYTES
            found.append({"device": device, "read_bytes_per_sec": _read_rate(device, size), "array_bytes": size})
    return found


def _array_bytes(caches: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Four times the largest cache, within bounds; a whole number of rows."""
    largest = 0
    for path in caches.glob("index*/size"):
        with suppress(OSError, ValueError):
            text = path.read_text().strip()
            unit = {"K": 1024, "M": 1024**2}.get(text[-1:], 1)
            largest = max(largest, int(text.rstrip("KM")) * unit)
    size = min(_MOST_BYTES, max(_LEAST_BYTES, 4 * largest))
    return size - size % (4 * _COLUMNS)


def _read_rate(device: str, size: int) -> float:
    array = torch.ones(size // (4 * _COLUMNS), _COLUMNS, dtype=torch.float32, device=device)
    vector = torch.ones(_COLUMNS, dtype=torch.float32, device=device)
    reads: tuple[Callable[[], torch.Tensor], ...] = (array.sum, lambda: array @ vector)
    with torch.inference_mode():
        return max(size / _seconds(read, device) for read in reads for _ in range(_PASSES))


def _seconds(read: Callable[[], torch.Tensor], device: str) -> float:
    _settle(device)
    started = time.perf_counter()
    read()
    _settle(device)
    return max(time.perf_counter() - started, 1e-9)


def _settle(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
