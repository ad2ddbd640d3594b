"""Other configurations on a GPU machine: one on the CPU, and one that the card has no room for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import started_worker, trial
from tests.driver import WorkerDriver
from tests.gpu.conftest import Note, StartedMachine
from tests.gpu.models import SIMULATED_LLAMA, configure_folder, configure_geometry, write_too_large_config

pytestmark = pytest.mark.gpu

#: Less than a third of what the simulated cards' model takes.
_SMALL_CARD_BYTES = 300_000


def test_a_configuration_on_the_cpu_tells_of_the_host_and_of_no_card(
    worker: WorkerDriver, model_folder: str, note: Note
) -> None:
    # int8, because its library starts the card's driver: that alone must not make this the card's configuration.
    load = worker.ok("load", {"configuration": configure_folder("int8", model_folder, "cpu")})["measurement"]
    measured = worker.ok("generate", trial(max_new_tokens=2, min_new_tokens=2))["measurement"]
    note(
        "int8 on this machine's CPU",
        f"peak RSS {measured['peak_rss_bytes'] / 1e6:.0f} MB, peak GPU {measured['peak_memory_allocated_bytes']}",
        "RSS, no GPU peak",
    )
    assert load["devices"] == measured["devices"] == []
    assert load["load_peak_allocated_bytes"] is None
    assert measured["peak_memory_allocated_bytes"] is None
    assert measured["gpu_state_before"] is None
    assert measured["energy_source"] in (None, "rapl")
    assert measured["peak_rss_bytes"] >= load["proof"]["weights_bytes"]


@dataclass(frozen=True)
class Cramped:
    """A worker, and a model that its first card has no room for."""

    worker: WorkerDriver
    memory_bytes: int
    config: dict[str, Any]


@pytest.fixture(scope="module")
def cramped(started: StartedMachine, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cramped]:
    machine = started.machine
    if not machine.is_simulated:
        memory_bytes = machine.card["memory_total_bytes"]
        yield Cramped(started.worker, memory_bytes, write_too_large_config(memory_bytes))
        return
    # Simulated memory is this machine's memory, so the card is made smaller instead of the model larger.
    environment = machine.shrink_card(_SMALL_CARD_BYTES, tmp_path_factory.mktemp("cards"))
    with started_worker(home, environment) as worker:
        yield Cramped(worker, _SMALL_CARD_BYTES, SIMULATED_LLAMA)


@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_a_model_that_the_card_has_no_room_for_runs_out_of_the_devices_memory(
    cramped: Cramped, quantization: str, note: Note
) -> None:
    error = cramped.worker.error("load", {"configuration": configure_geometry(quantization, cramped.config, "cuda")})
    cramped.worker.ok("unload")
    what = f"{quantization}: a model too large for {cramped.memory_bytes / 1e9:.4g} GB"
    note(what, error["code"], "out-of-memory-device")
    assert error["code"] == "out-of-memory-device", error


def test_at_once_after_that_the_same_card_has_room_again(worker: WorkerDriver, model_folder: str) -> None:
    worker.ok("load", {"configuration": configure_folder("none", model_folder, "cuda")})
    assert worker.ok("generate", trial(max_new_tokens=2, min_new_tokens=2))["measurement"]["output_tokens"] == 2
