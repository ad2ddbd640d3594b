"""The simulated driver: one per process, and of no use in a process forked from the one that started it."""

from __future__ import annotations

import importlib.abc
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

#: torch's own words, by which failures are recognized.
_BAD_FORK = (
    "Cannot re-initialize CUDA in forked subprocess. "
    "To use CUDA with multiprocessing, you must use the 'spawn' start method"
)


class SimulatedDriver:
    """Remembers in which process it was started."""

    def __init__(self) -> None:
        self._started_in_pid: int | None = None

    def start(self) -> None:
        """Raises RuntimeError, as torch does, in a process forked from the one that started it."""
        if self.is_in_bad_fork():
            raise RuntimeError(_BAD_FORK)
        self._started_in_pid = os.getpid()

    def is_started(self) -> bool:
        """Whether the driver was started in this process, or in one that it was forked from."""
        return self._started_in_pid is not None

    def is_in_bad_fork(self) -> bool:
        """Whether a parent process started the driver."""
        return self._started_in_pid not in (None, os.getpid())


class _StartsWithBitsandbytes(importlib.abc.MetaPathFinder):
    """Starts the driver when bitsandbytes is imported: the real one asks every card for its compute capability then."""

    def __init__(self, driver: SimulatedDriver) -> None:
        self._driver = driver

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Finds nothing, so that others look for the module."""
        del path, target
        if fullname == "bitsandbytes":
            self._driver.start()
        return None


def install() -> SimulatedDriver:
    """The driver of this process; its import hook is set up at the first call."""
    for finder in sys.meta_path:
        if isinstance(finder, _StartsWithBitsandbytes):
            return finder._driver
    driver = SimulatedDriver()
    sys.meta_path.insert(0, _StartsWithBitsandbytes(driver))
    return driver
