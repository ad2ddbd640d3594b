"""Stand-ins for torch.cuda and NVML: a machine with several cards, some of them visible, in a different order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from falcon_exp.worker.devices.accelerator import UNKNOWN_LIMITS, UNKNOWN_STATE


def write_uuid(number: int) -> str:
    """Returns a card's UUID as torch reports it: without the prefix."""
    return f"{number:08d}-0000-0000-0000-000000000000"


class FakeCuda:
    """Records the calls it gets. ``visible``: the numbers of the visible cards, in the framework's order."""

    def __init__(self, visible: list[int]) -> None:
        self._visible = visible
        self.synchronized: list[int] = []
        self.reset: list[int] = []
        self.emptied = 0
        self.described: list[int] = []
        self.events: list[FakeEvent] = []

    def device_count(self) -> int:
        return len(self._visible)

    def is_initialized(self) -> bool:
        return True

    def get_device_properties(self, index: int) -> Any:
        self.described.append(index)
        number = self._visible[index]
        return SimpleNamespace(
            name=f"Card {number}",
            total_memory=(number + 1) * 10**9,
            uuid=write_uuid(number),
            major=9,
            minor=0,
            pci_domain_id=0,
            pci_bus_id=number,
            pci_device_id=0,
        )

    def synchronize(self, index: int) -> None:
        self.synchronized.append(index)

    def reset_peak_memory_stats(self, index: int) -> None:
        self.reset.append(index)

    def max_memory_allocated(self, index: int) -> int:
        return 1000 + index

    def max_memory_reserved(self, index: int) -> int:
        return 2000 + index

    def memory_allocated(self, index: int) -> int:
        return 500 + index

    def memory_reserved(self, index: int) -> int:
        return 2000 + index

    def empty_cache(self) -> None:
        self.emptied += 1

    def current_stream(self, index: int) -> str:
        return f"stream of {index}"

    def Event(self, *, enable_timing: bool) -> FakeEvent:
        assert enable_timing
        event = FakeEvent()
        self.events.append(event)
        return event


class FakeEvent:
    """Recorded on a stream; two events are always 2 ms apart."""

    def __init__(self) -> None:
        self.stream: str | None = None

    def record(self, stream: str) -> None:
        self.stream = stream

    def elapsed_time(self, ended: FakeEvent) -> float:
        assert self.stream == ended.stream
        return 2.0


class FakeDriver:
    """Lists all cards of the machine by number; each reading of a card's energy counter adds that card's joules."""

    energy_source = "nvml"

    def __init__(self, joules: list[int], unreadable: tuple[int, ...] = ()) -> None:
        self._joules = joules
        self._unreadable = unreadable
        self._readings = [0] * len(joules)
        self.asked: list[int] = []

    def find_handle(self, uuids: list[str], pci_bus_id: str | None) -> Any:
        assert pci_bus_id is not None
        for number in range(len(self._joules)):
            if f"GPU-{write_uuid(number)}" in uuids and number not in self._unreadable:
                return number
        return None

    def get_uuid(self, handle: int) -> str | None:
        return f"GPU-{write_uuid(handle)}"

    def get_pci_bus_id(self, handle: int) -> str | None:
        return f"00000000:{handle:02X}:00.0"

    def get_mig_profile(self, handle: int) -> str | None:
        return None

    def read_state(self, handle: int, *, is_used_here: bool) -> dict[str, Any]:
        return {**UNKNOWN_STATE, "sm_clock_mhz": 1000 + handle, "other_processes": handle}

    def read_limits(self, handle: int, *, is_used_here: bool) -> dict[str, Any]:
        return {**UNKNOWN_LIMITS, "other_processes": handle}

    def read_memory_used_bytes(self, handle: int) -> int | None:
        return 7_000 + handle

    def read_energy_millijoules(self, handle: int) -> int | None:
        self.asked.append(handle)
        self._readings[handle] += 1
        return self._readings[handle] * self._joules[handle] * 1000

    def read_driver_version(self) -> str | None:
        return "580.1"
