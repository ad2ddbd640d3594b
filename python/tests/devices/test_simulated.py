"""Simulated cards count memory, run out of it, hide and fail as real ones do."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from falcon_exp.worker.devices.simulated import card_file
from falcon_exp.worker.devices.simulated.driver import SimulatedDriver
from falcon_exp.worker.devices.simulated.memory_counter import MemoryCounter
from tests.devices.simulated_cards import UUID_A, UUID_B, write_cards


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5_000)), max_size=20))
def test_allocated_is_the_sum_of_what_lives_and_the_peak_its_highest(steps: list[tuple[bool, int]]) -> None:
    counter = MemoryCounter(0, 10**9)
    held: list[torch.Tensor] = []
    highest = 0
    with counter:
        for keeps, size in steps:
            if keeps or not held:
                held.append(torch.empty(size, dtype=torch.uint8))
            else:
                held.pop()
            living = sum(tensor.numel() for tensor in held)
            highest = max(highest, living)
            assert counter.allocated_bytes == living
    assert counter.peak_bytes == highest


def test_views_take_no_memory_of_their_own() -> None:
    with MemoryCounter(0, 10**9) as counter:
        tensor = torch.zeros(10, 10)
        kept = [tensor.T, tensor[:5], tensor.reshape(100)]
        assert counter.allocated_bytes == 400
        del tensor, kept
        gc.collect()
        assert counter.allocated_bytes == 0


def test_a_full_card_raises_what_torch_raises_and_keeps_what_it_holds() -> None:
    with MemoryCounter(1, 1000) as counter:
        kept = torch.empty(600, dtype=torch.uint8)
        with pytest.raises(torch.OutOfMemoryError, match=r"CUDA out of memory.* GPU 1 has a total capacity"):
            torch.empty(500, dtype=torch.uint8)
        assert counter.allocated_bytes == kept.numel()


def test_visible_cards_are_chosen_by_index_or_uuid_in_the_variables_order(tmp_path: Path) -> None:
    path = str(write_cards(tmp_path))

    def list_uuids(visible: str | None) -> list[str]:
        environment = {card_file.VARIABLE: path}
        if visible is not None:
            environment["CUDA_VISIBLE_DEVICES"] = visible
        found = card_file.read_from_environment(environment)
        assert found is not None
        return [card.uuid for card in found.cards]

    assert list_uuids(None) == [UUID_A, UUID_B]
    assert list_uuids("1,0") == [UUID_B, UUID_A]
    assert list_uuids("GPU-bbbb") == [UUID_B]
    assert list_uuids("0,7,1") == [UUID_A]
    assert list_uuids("") == []


def test_a_driver_that_a_parent_started_is_of_no_use_in_its_child() -> None:
    driver = SimulatedDriver()
    driver.start()
    child = os.fork()
    if child == 0:
        try:
            driver.start()
        except RuntimeError as error:
            os._exit(7 if "Cannot re-initialize CUDA" in str(error) and driver.is_in_bad_fork() else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not driver.is_in_bad_fork()
