"""What else the machine did while a trial ran, from counters before and after it: a sampler would disturb the trial.

None stands for what the system does not report. A reading takes well under a millisecond, and no clock runs meanwhile.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcon_exp.worker.machine import list_cpu_groups

#: The kernel counts in ticks what the cores did; fewer than these, over all cores, say nothing: one would be 2 %.
_FEWEST_TICKS = 50
#: The forkserver, the supervisor and the controller, which belong to this program; processes above them only wait.
_ANCESTORS = 3


@dataclass(frozen=True)
class _Reading:
    """Seconds since some start, and counts; None if they cannot be read, except for the clock."""

    at_sec: float
    #: All cores together: everything but idling and waiting for disks, stolen time included.
    busy_sec: float | None
    #: CPU time of this process, and of those above it that belong to the program.
    own_sec: float
    ran_sec: float | None
    waited_sec: float | None
    pressure_sec: float | None
    quota_throttled_sec: float | None
    throttle_events: int | None


class NoiseMeter:
    """Measures from its creation to ``stop``. ``root`` is the folder that contains /proc and /sys."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._helpers = _list_ancestors(root)
        self._before = self._read()

    def stop(self) -> dict[str, Any]:
        """The keys of ``noiseShape`` in the wire format."""
        before, after = self._before, self._read()
        wall_sec = after.at_sec - before.at_sec
        waited = _difference(before.waited_sec, after.waited_sec)
        ran = _difference(before.ran_sec, after.ran_sec)
        pressure = _difference(before.pressure_sec, after.pressure_sec)
        return {
            "other_cpu_share": self._other_share(before, after, wall_sec),
            "cpu_wait_share": None if waited is None or not ran else waited / (waited + ran),
            "cpu_pressure_share": None if pressure is None or wall_sec <= 0 else min(1.0, pressure / wall_sec),
            "cpu_quota_throttled_sec": _difference(before.quota_throttled_sec, after.quota_throttled_sec),
            "cpu_throttle_events": _difference(before.throttle_events, after.throttle_events),
            "cpu_mhz": _read_mhz(self._root),
        }

    def _other_share(self, before: _Reading, after: _Reading, wall_sec: float) -> float | None:
        busy = _difference(before.busy_sec, after.busy_sec)
        capacity_sec = wall_sec * (os.cpu_count() or 1)
        if busy is None or capacity_sec * _ticks_per_sec() < _FEWEST_TICKS:
            return None
        # Time counted in ticks can be a little less than this process's own time, which is exact.
        others_sec: float = max(0.0, busy - (after.own_sec - before.own_sec))
        return min(1.0, others_sec / capacity_sec)

    def _read(self) -> _Reading:
        threads = _read_threads(self._root / "proc/self/task")
        helpers = [_read_threads(self._root / f"proc/{pid}/task") for pid in self._helpers]
        return _Reading(
            at_sec=time.perf_counter(),
            busy_sec=_read_busy_sec(self._root),
            own_sec=time.process_time() + sum(helper[0] for helper in helpers if helper is not None),
            ran_sec=None if threads is None else threads[0],
            waited_sec=None if threads is None else threads[1],
            pressure_sec=_read_pressure_sec(self._root),
            quota_throttled_sec=_read_quota_throttled_sec(self._root),
            throttle_events=read_throttle_events(self._root / "sys/devices/system/cpu"),
        )


def read_throttle_events(cpus: Path) -> int | None:
    """How often heat slowed a core down since the machine was started; None if it cannot be read."""
    counts = []
    for path in cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"):
        with suppress(OSError, ValueError):
            counts.append(int(path.read_text(encoding="ascii")))
    return sum(counts) if counts else None


def _difference(before: Any, after: Any) -> Any:
    return None if before is None or after is None else max(0, after - before)


def _ticks_per_sec() -> int:
    with suppress(AttributeError, OSError, ValueError):
        return int(os.sysconf("SC_CLK_TCK"))
    return 100


def _list_ancestors(root: Path) -> list[int]:
    found: list[int] = []
    pid = os.getppid()
    while pid > 1 and len(found) < _ANCESTORS:
        found.append(pid)
        stat = _read_text(root / f"proc/{pid}/stat")
        # The command's name may contain anything, so the fields begin after the last bracket.
        fields = [] if stat is None else stat[stat.rfind(")") + 2 :].split()
        pid = int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 0
    return found


def _read_busy_sec(root: Path) -> float | None:
    text = _read_text(root / "proc/stat")
    fields = [] if text is None else text.partition("\n")[0].split()
    if len(fields) < 8 or fields[0] != "cpu":
        return None
    user, nice, system, _idle, _waiting, irq, softirq, *stolen = (int(field) for field in fields[1:9])
    return (user + nice + system + irq + softirq + sum(stolen)) / _ticks_per_sec()


def _read_threads(folder: Path) -> tuple[float, float] | None:
    """Seconds that a process's threads ran, and that they waited for a core; exact to the nanosecond."""
    ran = waited = 0
    found = False
    try:
        threads = list(folder.iterdir())
    except OSError:
        return None
    for thread in threads:
        # Threads may end at any time.
        fields = (_read_text(thread / "schedstat") or "").split()
        if len(fields) == 3:
            found = True
            ran += int(fields[0])
            waited += int(fields[1])
    return (ran / 1e9, waited / 1e9) if found else None


def _read_pressure_sec(root: Path) -> float | None:
    """Seconds in which some thread on the machine waited for a core (pressure stall information)."""
    for line in (_read_text(root / "proc/pressure/cpu") or "").splitlines():
        if line.startswith("some "):
            _, _, total = line.rpartition("total=")
            return int(total) / 1e6 if total.isdigit() else None
    return None


def _read_quota_throttled_sec(root: Path) -> float | None:
    """Seconds for which control groups (a container's limit) kept this process from running, all cores together."""
    found = []
    for folder in list_cpu_groups(root):
        for line in (_read_text(folder / "cpu.stat") or "").splitlines():
            name, _, value = line.partition(" ")
            if name == "throttled_usec" and value.isdigit():
                found.append(int(value) / 1e6)
            elif name == "throttled_time" and value.isdigit():
                found.append(int(value) / 1e9)
    return sum(found) if found else None


def _read_mhz(root: Path) -> float | None:
    """The cores' current mean frequency; None if the kernel does not tell (many virtual machines)."""
    found = []
    for path in (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq"):
        with suppress(OSError, ValueError):
            found.append(int(path.read_text(encoding="ascii")) / 1000)
    return sum(found) / len(found) if found else None


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
