"""A worker starts on a machine with a GPU and reports the same about it as the driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from falcon_exp.worker.devices.nvml import NvmlDriver
from tests.conftest import opened_worker, trial
from tests.driver import WorkerDriver
from tests.gpu.conftest import Note
from tests.gpu.machine import GpuMachine
from tests.gpu.models import configure_folder

pytestmark = pytest.mark.gpu


def _list_driver_uuids() -> list[str]:
    """The UUIDs of all cards in the driver's own list; empty if there is no NVML."""
    if NvmlDriver().read_driver_version() is None:
        return []
    handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    return [str(pynvml.nvmlDeviceGetUUID(handle)) for handle in handles]


def test_a_worker_starts_and_tells_of_each_card(machine: GpuMachine, note: Note) -> None:
    cards = machine.environment["gpus"]
    note("start", ", ".join(f"{card['name']} {card['uuid']}" for card in cards), "every visible card by its UUID")
    assert all(card["uuid"] and card["memory_total_bytes"] > 0 for card in cards)
    assert len({card["uuid"] for card in cards}) == len(cards)
    if not machine.is_simulated and cards[0]["mig_profile"] is None:
        listed = _list_driver_uuids()
        assert not listed or {card["uuid"] for card in cards} <= set(listed)


def test_the_memorys_speed_is_measured_on_the_card(machine: GpuMachine, note: Note) -> None:
    rates = {row["device"]: row["read_bytes_per_sec"] for row in machine.environment["memory_bandwidth"]}
    note("memory bandwidth of cuda:0", f"{rates.get('cuda:0', 0) / 1e9:.0f} GB/s", "faster than the CPU's")
    assert rates["cuda:0"] > 0
    if not machine.is_simulated:
        assert rates["cuda:0"] > rates["cpu"]


@pytest.fixture
def chosen_worker(machine: GpuMachine, home: Path) -> Iterator[tuple[WorkerDriver, list[str | None]]]:
    """A worker that may see only one card, named by UUID, and the UUIDs that it reports."""
    uuid = machine.other_card["uuid"]
    with opened_worker(home, {"CUDA_VISIBLE_DEVICES": uuid}) as worker:
        yield worker, [card["uuid"] for card in worker.ok("start")["environment"]["gpus"]]


def test_one_card_is_chosen_by_its_uuid(
    machine: GpuMachine, chosen_worker: tuple[WorkerDriver, list[str | None]], model_folder: str, note: Note
) -> None:
    worker, seen = chosen_worker
    uuid = machine.other_card["uuid"]
    load = worker.ok("load", {"configuration": configure_folder("none", model_folder, "cuda")})["measurement"]
    measured = worker.ok("generate", trial())["measurement"]
    worker.ok("unload")
    note("CUDA_VISIBLE_DEVICES=<UUID>", ", ".join(measured["devices"]), uuid)
    assert seen == [uuid]
    assert [card["uuid"] for card in load["devices"]] == [uuid]
    assert measured["devices"] == [uuid]
    assert [state["uuid"] for state in measured["gpu_state_after"]] == [uuid]
