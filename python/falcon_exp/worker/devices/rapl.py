"""The CPU packages' energy counters (RAPL), if they may be read: on most machines, only root may."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_POWERCAP = Path("/sys/class/powercap")


class Rapl:
    """Counters in microjoules, each with a maximum at which it starts again."""

    def __init__(self, powercap: Path = _POWERCAP) -> None:
        found = sorted(powercap.glob("intel-rapl:[0-9]*")) if powercap.is_dir() else []
        #: Packages, not the zones within them.
        self._packages = [path for path in found if path.name.count(":") == 1]

    def read(self) -> list[int] | None:
        """One reading per package; None if they cannot be read."""
        try:
            readings = [int((path / "energy_uj").read_text()) for path in self._packages]
        except (OSError, ValueError):
            return None
        return readings or None

    def subtract(self, after: list[int], before: list[int]) -> float:
        """Joules between two readings; a counter that is lower than before has passed its maximum once."""
        total = 0
        for path, earlier, later in zip(self._packages, before, after, strict=True):
            span = 0
            with suppress(OSError, ValueError):
                span = int((path / "max_energy_range_uj").read_text())
            total += later - earlier if later >= earlier else later - earlier + span
        return total / 1e6
