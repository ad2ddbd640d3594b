"""Stopwatches: the host's clock for devices that compute synchronously, the device's own events for the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class HostStopwatch:
    """For work that is over when the call returns."""

    def __init__(self) -> None:
        self._begun = 0.0
        self._sum_sec = 0.0

    def begin(self) -> None:
        """Reads the clock."""
        self._begun = time.perf_counter()

    def end(self) -> None:
        """Adds the time since ``begin``."""
        self._sum_sec += time.perf_counter() - self._begun

    def read_sec(self) -> float:
        """Total seconds."""
        return self._sum_sec


class EventStopwatch:
    """Two events per measurement, on the stream and the device that compute; nothing is slowed down by waiting.

    ``make_event`` records an event on the right device; ``synchronize`` waits for that device.
    """

    def __init__(self, make_event: Callable[[], Any], synchronize: Callable[[], None]) -> None:
        self._make_event = make_event
        self._synchronize = synchronize
        self._begun: Any = None
        self._pairs: list[tuple[Any, Any]] = []

    def begin(self) -> None:
        """Records the first event."""
        self._begun = self._make_event()

    def end(self) -> None:
        """Records the second one."""
        self._pairs.append((self._begun, self._make_event()))

    def read_sec(self) -> float:
        """Total seconds; waits until the last event is over."""
        self._synchronize()
        return sum(float(begun.elapsed_time(ended)) for begun, ended in self._pairs) / 1e3


class WaitingStopwatch:
    """The host's clock between two waits for all devices, for work that is spread over several of them."""

    def __init__(self, synchronize: Callable[[], None]) -> None:
        self._synchronize = synchronize
        self._watch = HostStopwatch()

    def begin(self) -> None:
        """Waits, then reads the clock."""
        self._synchronize()
        self._watch.begin()

    def end(self) -> None:
        """Waits, then adds the time since ``begin``."""
        self._synchronize()
        self._watch.end()

    def read_sec(self) -> float:
        """Total seconds."""
        return self._watch.read_sec()
