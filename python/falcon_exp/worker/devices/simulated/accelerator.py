"""The simulated cards, behind the interface that all accelerators have."""

from __future__ import annotations

from typing import Any

import torch

from falcon_exp.worker.devices.accelerator import Card, Peak, Stopwatch
from falcon_exp.worker.devices.simulated.card_file import CardFile
from falcon_exp.worker.devices.simulated.driver import SimulatedDriver
from falcon_exp.worker.devices.simulated.loader_hook import count_loaded_tensors
from falcon_exp.worker.devices.simulated.memory_counter import MemoryCounter
from falcon_exp.worker.devices.stopwatch import HostStopwatch
from falcon_exp.worker.proof.stored_tensors import kept_tensors


class SimulatedAccelerator:
    """A process uses one card at a time: a model that the library would spread is on the first one."""

    kind = "cuda"
    energy_source = "simulated"

    def __init__(self, file: CardFile, driver: SimulatedDriver) -> None:
        self._cards = file.cards
        self._driver = driver
        self._counters: dict[int, MemoryCounter] = {}
        self._energy_readings = [0] * len(self._cards)
        self._state_readings = [0] * len(self._cards)
        self._synchronizations = [0] * len(self._cards)

    def count_cards(self) -> int:
        """The number of visible cards."""
        return len(self._cards)

    def describe(self, index: int) -> Card:
        """The card as the file describes it."""
        spec = self._cards[index]
        return Card(
            kind=self.kind,
            index=index,
            name=spec.name,
            memory_total_bytes=spec.memory_total_bytes,
            uuid=spec.uuid,
            pci_bus_id=spec.pci_bus_id,
            compute_capability=spec.compute_capability,
            is_simulated=True,
        )

    def get_torch_device(self, index: int) -> torch.device:
        """The CPU."""
        del index
        return torch.device("cpu")

    def prepare(self, indices: list[int]) -> None:
        """Starts the driver and begins to count. Raises RuntimeError in a process forked from one that started it."""
        self._driver.start()
        for index in indices[:1]:
            if index not in self._counters:
                counter = MemoryCounter(index, self._cards[index].memory_total_bytes)
                counter.__enter__()
                self._counters[index] = counter
                count_loaded_tensors(counter)

    def find_indices(self, model: Any, target: int | None) -> list[int]:
        """The card that was asked for; tensors that were mapped from a file count from now on."""
        index = target or 0
        self._counters[index].add(kept_tensors(model))
        return [index]

    def has_context(self) -> bool:
        """Whether the driver was started."""
        return self._driver.is_started()

    def synchronize(self, index: int) -> None:
        """There is nothing to wait for. Raises RuntimeError once the card is lost."""
        self._synchronizations[index] += 1
        lost_at = self._cards[index].lost_at_synchronization
        if lost_at is not None and self._synchronizations[index] >= lost_at:
            raise RuntimeError(f"CUDA error: GPU {index} is lost")

    def reset_peak(self, index: int) -> None:
        """Sets the peak to what is allocated now."""
        if index in self._counters:
            self._counters[index].reset_peak()

    def read_peak(self, index: int) -> Peak:
        """Counted bytes; nothing is cached, so the same number is reserved."""
        counter = self._counters.get(index)
        peak = 0 if counter is None else counter.peak_bytes
        return Peak(peak, peak)

    def read_allocated_bytes(self, index: int) -> int:
        """Counted bytes."""
        counter = self._counters.get(index)
        return 0 if counter is None else counter.allocated_bytes

    def release_cached(self) -> None:
        """Nothing is cached."""

    def make_stopwatch(self, index: int) -> Stopwatch:
        """The host's clock, because the CPU computes."""
        del index
        return HostStopwatch()

    def read_state(self, index: int) -> dict[str, Any]:
        """The state as the file describes it."""
        spec = self._cards[index]
        self._state_readings[index] += 1
        comes_at = spec.neighbour_from_reading
        has_come = comes_at is not None and self._state_readings[index] >= comes_at
        return {
            "index": index,
            "uuid": spec.uuid,
            "sm_clock_mhz": spec.sm_clock_mhz,
            "memory_clock_mhz": None,
            "temperature_celsius": None,
            "power_watts": None,
            "throttle_reasons": spec.throttle_reasons,
            "other_processes": None if spec.other_processes is None else spec.other_processes + int(has_come),
            "other_memory_bytes": spec.other_memory_bytes,
        }

    def read_limits(self, index: int) -> dict[str, Any]:
        """The limits as the file describes them."""
        spec = self._cards[index]
        return {
            "index": index,
            "other_processes": spec.other_processes,
            "other_memory_bytes": spec.other_memory_bytes,
            "utilization_percent": None,
            "power_limit_watts": None,
            "power_limit_default_watts": None,
            "throttle_reasons": spec.throttle_reasons,
        }

    def read_memory_used_bytes(self, index: int) -> int | None:
        """Counted bytes."""
        return self.read_allocated_bytes(index)

    def read_energy_millijoules(self, index: int) -> int | None:
        """Grows by the same amount with each reading, whether this card is used or not."""
        joules = self._cards[index].joules_per_reading
        if joules is None:
            return None
        self._energy_readings[index] += 1
        return round(self._energy_readings[index] * joules * 1e3)

    def measure_energy_step_sec(self, index: int) -> float | None:
        """The step as the file describes it."""
        return self._cards[index].energy_step_sec

    def read_driver_version(self) -> str | None:
        """Says that there is no real driver."""
        return "simulated"
