"""All devices that this process may use, and which of them a configuration gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from falcon_exp.worker.devices.accelerator import Accelerator, Card
from falcon_exp.worker.devices.bandwidth import measure_bandwidth
from falcon_exp.worker.devices.interference import read_machine_state
from falcon_exp.worker.devices.model_devices import ModelDevices
from falcon_exp.worker.devices.open_accelerator import open_accelerator
from falcon_exp.worker.devices.rapl import Rapl
from falcon_exp.worker.failures import WorkerError

_KINDS = ("cuda", "xpu", "mps")


@dataclass(frozen=True)
class Target:
    """Where a configuration is to be loaded."""

    #: As written in an experiment, with ``auto`` resolved to a kind.
    kind: str
    #: The framework's index; None on the CPU, and if the library spreads the model over all cards.
    index: int | None
    #: Where single tensors go before the model is loaded.
    torch_device: torch.device
    #: ``device_map`` of ``from_pretrained``.
    device_map: Any


class Devices:
    """Made once per process; holds no memory on any card."""

    def __init__(self, accelerator: Accelerator | None, rapl: Rapl) -> None:
        self._accelerator = accelerator
        self._rapl = rapl

    @classmethod
    def open(cls) -> Devices:
        """The devices of this machine."""
        return cls(open_accelerator(), Rapl())

    def resolve(self, device: str) -> Target:
        """``auto`` means every card, or the CPU if there is none. Raises WorkerError ``device-unavailable``."""
        cpu = torch.device("cpu")
        accelerator = self._accelerator
        if device == "cpu" or (device == "auto" and accelerator is None):
            return Target("cpu", None, cpu, {"": "cpu"})
        kind, _, number = device.partition(":")
        if device == "auto" and accelerator is not None:
            return Target(accelerator.kind, None, accelerator.get_torch_device(0), self._choose_map(accelerator))
        count = accelerator.count_cards() if accelerator is not None and accelerator.kind == kind else 0
        index = int(number or 0)
        if accelerator is None or index >= count:
            raise WorkerError(
                "device-unavailable",
                f"device {device} was asked for, but this machine has {_describe_count(kind, count)}.",
            )
        place = accelerator.get_torch_device(index)
        return Target(kind, index, place, {"": str(place)})

    @staticmethod
    def _choose_map(accelerator: Accelerator) -> Any:
        """The library's own way of spreading, except if the first card's torch device is not a card's (simulated)."""
        place = accelerator.get_torch_device(0)
        return "auto" if place.type == accelerator.kind else {"": str(place)}

    def expect(self, target: Target) -> ModelDevices:
        """The devices that a load is going to use."""
        if target.kind == "cpu" or self._accelerator is None:
            return ModelDevices(None, [], self._rapl)
        count = self._accelerator.count_cards()
        indices = list(range(count)) if target.index is None else [target.index]
        self._accelerator.prepare(indices)
        return ModelDevices(self._accelerator, indices, self._rapl)

    def bind(self, model: Any, target: Target) -> ModelDevices:
        """The devices that the live model is on, and no others."""
        if target.kind == "cpu" or self._accelerator is None:
            return ModelDevices(None, [], self._rapl)
        indices = self._accelerator.find_indices(model, target.index)
        return ModelDevices(self._accelerator, indices, self._rapl)

    def describe(self) -> list[Card]:
        """Every visible card. May start the driver."""
        accelerator = self._accelerator
        return (
            [] if accelerator is None else [accelerator.describe(index) for index in range(accelerator.count_cards())]
        )

    def read_allocated_bytes(self) -> int:
        """Bytes of the tensors that now exist on any card, which show whether a load progresses. Starts no driver."""
        accelerator = self._accelerator
        if accelerator is None or not accelerator.has_context():
            return 0
        return sum(accelerator.read_allocated_bytes(index) for index in range(accelerator.count_cards()))

    def read_driver_version(self) -> str | None:
        """Version of the accelerator's driver; None without an accelerator."""
        return None if self._accelerator is None else self._accelerator.read_driver_version()

    def measure_bandwidth(self) -> list[dict[str, Any]]:
        """``memoryBandwidthSchema``, one row per device."""
        return measure_bandwidth(self._accelerator)

    def read_machine_state(self) -> dict[str, Any]:
        """``machineStateSchema``. Sleeps while it samples, so that all the work it sees is done by others."""
        return read_machine_state(self._accelerator)


def _describe_count(kind: str, count: int) -> str:
    name = {"cuda": "CUDA", "xpu": "XPU", "mps": "MPS"}.get(kind, kind)
    if count == 0:
        return f"no {name} device"
    return f"{count} {name} device{'' if count == 1 else 's'}"
