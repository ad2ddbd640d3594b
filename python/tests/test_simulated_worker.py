"""The real worker on two simulated cards: records describe the model's own card, and failures get their own codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.results.traits import read_machine_traits
from falcon_exp.worker.devices.simulated import card_file
from tests.conftest import configuration, started_worker, trial
from tests.devices.simulated_cards import UUID_A, UUID_B, write_cards
from tests.driver import WorkerDriver


def open_worker(cards: Path, home: Path, **environment: str) -> AbstractContextManager[WorkerDriver]:
    """A started worker that sees the cards of a file."""
    return started_worker(home, {card_file.VARIABLE: str(cards), **environment})


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the cards' file, which each trial process reads again, so a test may change a card."""
    return tmp_path_factory.mktemp("cards")


@pytest.fixture(scope="module")
def two_cards(cards: Path, home: Path) -> Iterator[WorkerDriver]:
    """A worker that found two kinds of cards when it started; each trial process then finds the ordinary ones."""
    gib = 2**30
    write_cards(
        cards,
        a={"name": "NVIDIA A100-SXM4-80GB", "memory_total_bytes": 80 * gib},
        b={"name": "Tesla T4", "memory_total_bytes": 15 * gib},
    )
    with open_worker(cards / "cards.json", home) as driver:
        yield driver


@pytest.fixture(autouse=True)
def _ordinary_cards(cards: Path) -> None:
    write_cards(cards)


def measure(worker: WorkerDriver, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(load, trial) of a tiny model under one configuration."""
    load = worker.ok("load", {"configuration": configuration(**changes)})["measurement"]
    try:
        return load, worker.ok("generate", trial())["measurement"]
    finally:
        worker.ok("unload")


def test_the_environment_names_every_card_and_that_they_are_simulated(two_cards: WorkerDriver) -> None:
    environment = two_cards.environment
    assert [(card["index"], card["uuid"], card["is_simulated"]) for card in environment["gpus"]] == [
        (0, UUID_A, True),
        (1, UUID_B, True),
    ]
    assert environment["gpu_driver_version"] == "simulated"
    assert [row["device"] for row in environment["memory_bandwidth"]] == ["cpu", "cuda:0", "cuda:1"]
    assert card_file.VARIABLE in environment["environment_variables"]


def test_the_two_cards_of_one_machine_are_two_machines(two_cards: WorkerDriver) -> None:
    environment = two_cards.environment
    assert [read_machine_traits({**environment, "gpus": [card]})["GPUs"] for card in environment["gpus"]] == [
        "NVIDIA A100-SXM4-80GB (simulated, 80 GiB)",
        "Tesla T4 (simulated, 15 GiB)",
    ]


@pytest.mark.parametrize("quantization", ["none", "int8", "fp4", "nf4-double"])
def test_energy_memory_and_identity_are_of_the_one_card_that_is_used(
    two_cards: WorkerDriver, quantization: str
) -> None:
    load, measured = measure(two_cards, quantization=quantization, device="cuda:1")
    assert [card["uuid"] for card in load["devices"]] == [UUID_B]
    assert measured["devices"] == [UUID_B]
    # Card A's counter gains 4,900 J in the same time.
    assert (measured["energy_joules"], measured["energy_source"]) == (300.0, "simulated")
    for states in (measured["gpu_state_before"], measured["gpu_state_after"]):
        assert [(state["uuid"], state["other_processes"]) for state in states] == [(UUID_B, 0)]
    peak = measured["peak_memory_allocated_bytes"]
    assert measured["peak_memory_allocated_bytes_by_device"] == [peak]
    assert load["load_peak_allocated_bytes"] >= load["proof"]["weights_bytes"]
    assert peak >= load["proof"]["weights_bytes"]


def test_a_configuration_on_the_cpu_beside_them_reports_resident_memory_and_no_card(two_cards: WorkerDriver) -> None:
    load, measured = measure(two_cards, quantization="fp4", device="cpu")
    assert load["devices"] == []
    assert load["load_peak_allocated_bytes"] is None
    assert measured["devices"] == []
    assert measured["peak_memory_allocated_bytes"] is None
    assert measured["peak_memory_allocated_bytes_by_device"] is None
    assert measured["gpu_state_before"] is None
    assert measured["energy_source"] != "simulated"
    assert measured["peak_rss_bytes"] > 0


def test_a_card_is_chosen_by_its_uuid(tmp_path: Path, home: Path) -> None:
    with open_worker(write_cards(tmp_path), home, CUDA_VISIBLE_DEVICES=UUID_B) as worker:
        assert [card["uuid"] for card in worker.environment["gpus"]] == [UUID_B]
        assert worker.environment["environment_variables"]["CUDA_VISIBLE_DEVICES"] == UUID_B
        load, measured = measure(worker, device="auto")
        assert [(card["index"], card["uuid"]) for card in load["devices"]] == [(0, UUID_B)]
        assert measured["energy_joules"] == 300.0
        assert worker.error("load", {"configuration": configuration(device="cuda:1")})["code"] == "device-unavailable"


def test_a_neighbour_that_comes_during_the_trials_is_seen(two_cards: WorkerDriver, cards: Path) -> None:
    write_cards(cards, b={"neighbour_from_reading": 2})
    _, measured = measure(two_cards, device="cuda:1")
    assert [state["other_processes"] for state in measured["gpu_state_before"]] == [0]
    assert [state["other_processes"] for state in measured["gpu_state_after"]] == [1]


def test_a_model_that_does_not_fit_fails_for_lack_of_device_memory(two_cards: WorkerDriver, cards: Path) -> None:
    write_cards(cards, b={"memory_total_bytes": 200_000})
    for quantization in ("none", "int8", "nf4-double"):
        failure = two_cards.error("load", {"configuration": configuration(quantization, device="cuda:1")})
        assert failure["code"] == "out-of-memory-device", quantization
    # On another card and in another process, nothing is left of the failures.
    measure(two_cards, quantization="nf4-double", device="cuda:0")


def test_a_card_that_is_lost_in_a_trial_is_named(two_cards: WorkerDriver, cards: Path) -> None:
    write_cards(cards, b={"lost_at_synchronization": 3})
    two_cards.ok("load", {"configuration": configuration(device="cuda:1")})
    assert two_cards.error("generate", trial())["code"] == "device-lost"
    two_cards.ok("unload")
