"""What goes on beside the card's own configurations: one on the CPU, and one that the card has no room for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import started_worker, trial
from tests.driver import WorkerDriver
from tests.gpu.conftest import Note, StartedMachine
from tests.gpu.models import LARGE_LLAMA, SIMULATED_LLAMA, configure_folder, configure_geometry

pytestmark = pytest.mark.gpu

#: Of a real card: a context with the libraries' kernels, and something of the model.
_ROOM_BYTES = 1_500_000_000
_SIMULATED_ROOM_BYTES = 300_000


def test_a_configuration_on_the_cpu_tells_of_the_host_and_of_no_card(
    worker: WorkerDriver, model_folder: str, note: Note
) -> None:
    # 8-bit: what it is computed with starts the card's driver, and that alone must not make it the card's.
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
    """A worker where the first card has only so much room."""

    worker: WorkerDriver
    room_bytes: int
    #: Of a model that needs more.
    config: dict[str, Any]


@pytest.fixture(scope="module")
def cramped(started: StartedMachine, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cramped]:
    machine = started.machine
    config = SIMULATED_LLAMA if machine.is_simulated else LARGE_LLAMA
    room_bytes = _SIMULATED_ROOM_BYTES if machine.is_simulated else _ROOM_BYTES
    with machine.leave_room(room_bytes, tmp_path_factory.mktemp("cards")) as environment, ExitStack() as stack:
        # Another environment needs another worker.
        worker = stack.enter_context(started_worker(home, environment)) if environment else started.worker
        yield Cramped(worker, room_bytes, config)


@pytest.mark.parametrize("quantization", ["none", "int8", "nf4-double"])
def test_a_model_that_the_card_has_no_room_for_runs_out_of_the_devices_memory(
    cramped: Cramped, quantization: str, note: Note
) -> None:
    error = cramped.worker.error("load", {"configuration": configure_geometry(quantization, cramped.config, "cuda")})
    cramped.worker.ok("unload")
    note(f"{quantization}: {cramped.room_bytes / 1e6:.1f} MB left for it", error["code"], "out-of-memory-device")
    assert error["code"] == "out-of-memory-device", error


def test_after_that_the_worker_loads_what_has_room(worker: WorkerDriver, model_folder: str) -> None:
    # On a real card the memory is still taken: what the failed loads held has come back.
    worker.ok("load", {"configuration": configure_folder("none", model_folder, "cuda")})
    assert worker.ok("generate", trial(max_new_tokens=2, min_new_tokens=2))["measurement"]["output_tokens"] == 2
