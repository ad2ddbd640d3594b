"""Intel's GPUs through torch.xpu. Clocks and energy are not read. Has not been run on a GPU (docs/gpu.md)."""

from __future__ import annotations

import torch

from falcon_exp.worker.devices.accelerator import Card
from falcon_exp.worker.devices.framework import FrameworkAccelerator
from falcon_exp.worker.devices.silent import SilentAccelerator


class IntelAccelerator(SilentAccelerator, FrameworkAccelerator):
    """torch.xpu's devices."""

    def __init__(self) -> None:
        super().__init__("xpu", torch.xpu)

    def describe(self, index: int) -> Card:
        """Starts the driver."""
        properties = self._api.get_device_properties(index)
        uuid = getattr(properties, "uuid", None)
        return Card(
            kind=self.kind,
            index=index,
            name=str(properties.name),
            memory_total_bytes=int(properties.total_memory),
            uuid=None if uuid is None else str(uuid),
        )

    def read_memory_used_bytes(self, index: int) -> int | None:
        """Always None: it is not read."""
        del index
        return None

    def read_driver_version(self) -> str | None:
        """The version that torch reports for the first device."""
        version = getattr(self._api.get_device_properties(0), "driver_version", None)
        return None if version is None else str(version)
