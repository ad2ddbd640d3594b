"""What is known about the cards of an accelerator without a management library: nothing."""

from __future__ import annotations

from typing import Any

from falcon_exp.worker.devices.accelerator import UNKNOWN_LIMITS, UNKNOWN_STATE


class SilentAccelerator:
    """The part of ``Accelerator`` that a driver would answer."""

    energy_source = "none"

    def read_state(self, index: int) -> dict[str, Any]:
        """Every figure is unknown."""
        return {"index": index, "uuid": None, **UNKNOWN_STATE}

    def read_limits(self, index: int) -> dict[str, Any]:
        """Every figure is unknown."""
        return {"index": index, **UNKNOWN_LIMITS}

    def read_energy_millijoules(self, index: int) -> int | None:
        """There is no counter."""
        del index
        return None

    def measure_energy_step_sec(self, index: int) -> float | None:
        """There is no counter."""
        del index
        return None
