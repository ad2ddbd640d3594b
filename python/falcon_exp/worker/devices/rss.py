"""Peak resident memory of this process (docs/metrics.md).

The peak is the kernel's high-water mark (VmHWM), which writing ``5`` to /proc/self/clear_refs resets exactly (proc(5)).
Without /proc, it comes from a sampler, which can miss short peaks and is recorded as the source.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import threading
from typing import Any

import psutil

_SAMPLE_INTERVAL_SEC = 0.005


def current_rss_bytes() -> int:
    """Resident memory of this process now, pages shared with its parent included."""
    return int(psutil.Process().memory_info().rss)


def _reset_high_water_mark() -> bool:
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return False
    return True


def _high_water_mark_bytes() -> int | None:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


class _Sampler:
    """The highest RSS seen when sampling every few milliseconds."""

    def __init__(self) -> None:
        self.peak_bytes = current_rss_bytes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rss-sampler", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_INTERVAL_SEC):
            self.peak_bytes = max(self.peak_bytes, current_rss_bytes())

    def stop(self) -> int:
        self._stop.set()
        self._thread.join()
        self.peak_bytes = max(self.peak_bytes, current_rss_bytes())
        return self.peak_bytes


class PeakRss:
    """Peak RSS from its creation to ``stop``; used once."""

    def __init__(self) -> None:
        exact = _reset_high_water_mark() and _high_water_mark_bytes() is not None
        self._sampler = None if exact else _Sampler()
        self.source = "vmhwm-reset" if exact else "sampler"

    def stop(self) -> int | None:
        """Peak in bytes; None if the kernel no longer tells."""
        return _high_water_mark_bytes() if self._sampler is None else self._sampler.stop()


def release_unused() -> None:
    """Gives back memory that Python and malloc hold but do not use, so that a peak RSS is due to the work alone."""
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Gives back memory that malloc holds but does not use; does nothing if malloc cannot."""
    trim = getattr(_libc(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _libc() -> Any:
    try:
        return ctypes.CDLL(None)
    except OSError:
        return None
