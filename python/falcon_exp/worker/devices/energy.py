"""Energy of a trial, from the counters of the model's own devices and no others."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from falcon_exp.worker.devices.rapl import Rapl

#: How long a counter is watched to learn how often it steps: several steps of the slowest one known (100 ms).
_WATCH_SEC = 0.5
_POLL_SEC = 0.001
#: With fewer steps of the counter than this, a trial's joules could be off by more than one in twenty.
LEAST_STEPS = 20


class CardCounter(Protocol):
    """The part of an accelerator that is used here."""

    energy_source: str

    def read_energy_millijoules(self, index: int) -> int | None:
        """The card's energy counter."""


@dataclass(frozen=True)
class Energy:
    """Joules and their source, or None and why."""

    joules: float | None
    source: str | None
    #: Seconds between two steps of the counter; None if unknown.
    step_sec: float | None
    note: str | None


def measure_step_sec(
    read: Callable[[], int | None],
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> float | None:
    """The median time between two changes of a counter; None if it does not exist or hardly changes."""
    last = read()
    if last is None:
        return None
    changes: list[float] = []
    until = clock() + _WATCH_SEC
    while (now := clock()) < until:
        value = read()
        if value is None:
            return None
        if value != last:
            changes.append(now)
            last = value
        sleep(_POLL_SEC)
    if len(changes) < 3:
        return None
    return statistics.median(later - earlier for earlier, later in pairwise(changes))


class CardEnergyMeter:
    """Measures from its creation to ``stop``, over the given cards."""

    def __init__(self, counter: CardCounter, indices: Sequence[int], step_sec: float | None) -> None:
        self._counter = counter
        self._indices = indices
        self._step_sec = step_sec
        self._started_sec = time.perf_counter()
        self._before = self._read()

    def _read(self) -> list[int | None]:
        return [self._counter.read_energy_millijoules(index) for index in self._indices]

    def stop(self) -> Energy:
        """Joules of all the cards together."""
        after = self._read()
        elapsed_sec = time.perf_counter() - self._started_sec
        total = 0
        for earlier, later in zip(self._before, after, strict=True):
            if earlier is None or later is None:
                return Energy(None, None, None, "a card of the model has no energy counter")
            if later < earlier:
                return Energy(None, None, self._step_sec, "an energy counter was reset during the trial")
            total += later - earlier
        if self._step_sec is not None and elapsed_sec < LEAST_STEPS * self._step_sec:
            note = (
                f"too short: the counter steps every {self._step_sec * 1e3:.0f} ms, and {LEAST_STEPS} steps are needed"
            )
            return Energy(None, None, self._step_sec, note)
        return Energy(total / 1e3, self._counter.energy_source, self._step_sec, None)


class CpuEnergyMeter:
    """Measures the CPU packages from its creation to ``stop``, for a model on the CPU."""

    def __init__(self, rapl: Rapl) -> None:
        self._rapl = rapl
        self._before = rapl.read()

    def stop(self) -> Energy:
        """Joules of all packages, which include everything else that ran on the machine."""
        after = self._rapl.read()
        if self._before is None or after is None or len(after) != len(self._before):
            return Energy(None, None, None, "the CPU's energy counters cannot be read")
        return Energy(self._rapl.subtract(after, self._before), "rapl", None, None)
