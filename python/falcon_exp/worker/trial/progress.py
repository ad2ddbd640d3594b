"""Signs of life from a trial process, which prove that a phase makes progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

_LOAD_INTERVAL_SEC = 0.5
#: Each message takes about a millisecond from the cores that compute the generate that is being measured.
_TOKEN_INTERVAL_SEC = 2.0
#: The smallest change that counts as progress of a load.
_STEP_BYTES = 1_000_000

Report = Callable[[str, int | None], None]


class TokenProgress:
    """Reports new tokens, but not each one, because watching must not disturb what is watched."""

    def __init__(self, report: Report, detail: str) -> None:
        self._report = report
        self._detail = detail
        self._next_sec = time.perf_counter() + _TOKEN_INTERVAL_SEC

    def __call__(self, tokens: int) -> None:
        """Reports ``tokens``, the number of new tokens so far, if a report is due."""
        now = time.perf_counter()
        if now >= self._next_sec:
            self._next_sec = now + _TOKEN_INTERVAL_SEC
            self._report(self._detail, tokens)


class LoadProgress:
    """While a model loads, reports whenever bytes were read or received or memory changed. A stuck load is silent."""

    def __init__(self, report: Report, read_allocated_bytes: Callable[[], int]) -> None:
        self._report = report
        self._read_allocated_bytes = read_allocated_bytes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load-progress", daemon=True)

    def __enter__(self) -> LoadProgress:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        process = psutil.Process()
        last = self._read_activity(process)
        while not self._stop.wait(_LOAD_INTERVAL_SEC):
            now = self._read_activity(process)
            if any(abs(new - old) >= _STEP_BYTES for new, old in zip(now, last, strict=True)):
                last = now
                self._report(f"loading: {now[0] / 1e9:.2f} GB in memory", None)

    def _read_activity(self, process: psutil.Process) -> tuple[int, int, int]:
        """Returns (RSS, bytes read and written, bytes on the devices)."""
        try:
            counters = process.io_counters()
            moved = int(getattr(counters, "read_chars", 0)) + int(getattr(counters, "write_chars", 0))
        except (psutil.Error, AttributeError, NotImplementedError):
            moved = 0
        return int(process.memory_info().rss), moved, self._read_allocated_bytes()
