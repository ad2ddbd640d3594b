"""Of a machine's cards, only those that hold the model are asked; they are found by UUID."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices import energy
from falcon_exp.worker.devices.cuda import CudaAccelerator
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.devices.live_map import find_accelerator_indices
from falcon_exp.worker.devices.model_devices import ModelDevices
from falcon_exp.worker.devices.rapl import Rapl
from falcon_exp.worker.failures import WorkerError
from tests.devices.fake_cuda import FakeCuda, FakeDriver, write_uuid

#: Eight cards; this process sees two of them, the faster one first.
JOULES = [700, 700, 300, 700, 700, 100, 700, 700]
VISIBLE = [5, 2]


@pytest.fixture(autouse=True)
def _counters_that_need_no_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falcon_exp.worker.devices.cuda.measure_step_sec", lambda read: 0.0)


def make_devices(**changes: Any) -> tuple[FakeCuda, FakeDriver, Devices]:
    cuda, driver = FakeCuda(VISIBLE), FakeDriver(JOULES, **changes)
    return cuda, driver, Devices(CudaAccelerator(driver, cuda), Rapl(Path("/nowhere")))


class Spread(torch.nn.Module):  # type: ignore[misc]
    """Claims to lie on the given devices, like a model with accelerate's hooks."""

    def __init__(self, *places: Any) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(2, 2, device="meta") for _ in places)
        for layer, place in zip(self.layers, places, strict=True):
            layer._hf_hook = type("Hook", (), {"execution_device": place})()


def test_only_the_energy_of_the_models_card_is_counted() -> None:
    _, driver, devices = make_devices()
    used = devices.bind(Spread(1), devices.resolve("cuda:1"))
    meter = used.start_energy()
    assert meter.stop() == energy.Energy(300.0, "nvml", 0.0, None)
    assert set(driver.asked) == {2}


def test_the_energy_of_a_model_on_two_cards_is_their_sum() -> None:
    _, _, devices = make_devices()
    used = devices.bind(Spread(0, 1), devices.resolve("auto"))
    assert used.start_energy().stop().joules == 400.0


def test_a_card_is_found_by_its_uuid_whatever_its_place_in_the_drivers_list() -> None:
    _, _, devices = make_devices()
    assert [card.uuid for card in devices.describe()] == [f"GPU-{write_uuid(5)}", f"GPU-{write_uuid(2)}"]
    assert [card.name for card in devices.describe()] == ["Card 5", "Card 2"]
    used = devices.bind(Spread(1), devices.resolve("cuda:1"))
    assert used.name_devices() == [f"GPU-{write_uuid(2)}"]
    states = used.read_states()
    assert states is not None
    assert [(state["index"], state["sm_clock_mhz"], state["other_processes"]) for state in states] == [(1, 1002, 2)]


def test_a_card_that_the_driver_cannot_read_hides_no_other() -> None:
    _, _, devices = make_devices(unreadable=(5,))
    assert [state["other_processes"] for state in devices.read_machine_state()["gpus"]] == [None, 2]
    assert devices.describe()[0].uuid == f"GPU-{write_uuid(5)}"


def test_only_the_models_cards_are_waited_for_and_measured() -> None:
    cuda, _, devices = make_devices()
    used = devices.bind(Spread(1), devices.resolve("cuda:1"))
    used.synchronize()
    used.reset_peaks()
    assert (cuda.synchronized, cuda.reset) == ([1], [1])
    peak = used.read_peak()
    assert (peak.allocated_bytes, peak.allocated_bytes_by_device, peak.reserved_bytes) == (1001, [1001], 2001)
    assert used.read_memory_used() == (7002, None)
    assert cuda.emptied == 0


def test_a_configuration_on_the_cpu_of_a_machine_with_cards_reports_none_of_them() -> None:
    cuda, driver, devices = make_devices()
    target = devices.resolve("cpu")
    for used in (devices.expect(target), devices.bind(Spread(), target)):
        used.synchronize()
        used.reset_peaks()
        assert used.read_peak().allocated_bytes is None
        assert used.read_peak().allocated_bytes_by_device is None
        assert used.read_states() is None
        assert used.name_devices() == []
        assert used.start_energy().stop().source is None
    assert (cuda.synchronized, cuda.reset, driver.asked) == ([], [], [])


def test_a_device_that_is_not_there_is_refused_with_what_there_is() -> None:
    _, _, devices = make_devices()
    with pytest.raises(WorkerError, match="this machine has 2 CUDA devices"):
        devices.resolve("cuda:2")
    with pytest.raises(WorkerError, match="this machine has no XPU device"):
        devices.resolve("xpu")


def test_auto_spreads_over_all_cards_and_is_the_cpu_without_any() -> None:
    _, _, devices = make_devices()
    assert devices.resolve("auto").device_map == "auto"
    assert Devices(None, Rapl(Path("/nowhere"))).resolve("auto").device_map == {"": "cpu"}


def test_offloaded_parts_count_where_they_are_computed() -> None:
    assert find_accelerator_indices(Spread("cuda:1", 0, "cpu"), "cuda") == [0, 1]
    assert find_accelerator_indices(Spread("cpu"), "cuda") == []


def test_events_are_recorded_on_the_stream_of_the_card_that_computes() -> None:
    cuda, _, devices = make_devices()
    used = devices.bind(Spread(0, 1), devices.resolve("auto"))
    stopwatch = used.make_stopwatch(torch.device("cuda", 1))
    stopwatch.begin()
    stopwatch.end()
    assert stopwatch.read_sec() == pytest.approx(0.002)
    assert [event.stream for event in cuda.events] == ["stream of 1", "stream of 1"]
    assert cuda.synchronized == [1]


def test_a_forward_over_two_cards_is_timed_between_waits() -> None:
    cuda, _, devices = make_devices()
    used = devices.bind(Spread(0, 1), devices.resolve("auto"))
    stopwatch = used.make_forward_stopwatch()
    stopwatch.begin()
    stopwatch.end()
    assert cuda.synchronized == [0, 1, 0, 1]
    assert cuda.events == []


def test_a_cards_bandwidth_is_read_by_events_over_many_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(VISIBLE)
    accelerator = CudaAccelerator(FakeDriver(JOULES), cuda)
    monkeypatch.setattr(accelerator, "get_torch_device", lambda index: torch.device("meta"))
    rows = [row for row in Devices(accelerator, Rapl()).measure_bandwidth() if row["device"] != "cpu"]
    # 20 reads take 2 ms, the time between two fake events.
    assert [(row["device"], row["read_bytes_per_sec"]) for row in rows] == [
        ("cuda:0", pytest.approx(20 * rows[0]["array_bytes"] / 0.002)),
        ("cuda:1", pytest.approx(20 * rows[1]["array_bytes"] / 0.002)),
    ]


def test_the_cards_of_a_load_are_described_for_its_record() -> None:
    used = ModelDevices(CudaAccelerator(FakeDriver(JOULES), FakeCuda(VISIBLE)), [1], Rapl())
    assert used.cards[0].to_wire() == {
        "kind": "cuda",
        "index": 1,
        "name": "Card 2",
        "memory_total_bytes": 3 * 10**9,
        "uuid": f"GPU-{write_uuid(2)}",
        "pci_bus_id": "00000000:02:00.0",
        "compute_capability": "9.0",
        "mig_profile": None,
        "is_simulated": False,
    }
