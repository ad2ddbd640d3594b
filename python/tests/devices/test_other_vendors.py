"""AMD's library replaced by a stand-in, and accelerators whose driver reports nothing."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices import amd
from falcon_exp.worker.devices.apple import AppleAccelerator
from falcon_exp.worker.devices.silent import SilentAccelerator


class FakeError(Exception):
    """The stand-in's AmdSmiException."""


def make_amdsmi(**functions: Any) -> Any:
    """A library with two cards; functions that are not given raise, as with an old driver."""

    def unknown(*_: Any) -> Any:
        raise FakeError

    known: dict[str, Any] = {
        "amdsmi_init": lambda: None,
        "amdsmi_get_processor_handles": lambda: ["a", "b"],
        "amdsmi_get_gpu_device_bdf": {"a": "0000:03:00.0", "b": "0000:63:00.0"}.__getitem__,
        **functions,
    }

    class Library(SimpleNamespace):
        AmdSmiException = FakeError

        def __getattr__(self, _: str) -> Any:
            return unknown

    return Library(**known)


def test_a_card_is_found_by_its_pci_address_however_long_the_domain_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amd, "amdsmi", make_amdsmi())
    driver = amd.AmdDriver()
    assert driver.find_handle(["GPU-of-no-use"], "00000000:63:00.0") == "b"
    assert driver.find_handle([], "00000000:64:00.0") is None
    assert driver.find_handle([], None) is None


def test_energy_is_the_accumulator_times_its_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = {"energy_accumulator": 1_000_000, "counter_resolution": 15.3}
    monkeypatch.setattr(amd, "amdsmi", make_amdsmi(amdsmi_get_energy_count=lambda _: counter))
    assert amd.AmdDriver().read_energy_millijoules("b") == 15_300


def test_neighbours_and_own_memory_come_from_the_list_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = [
        {"pid": os.getpid(), "memory_usage": {"vram_mem": 10}},
        {"pid": 1, "memory_usage": {"vram_mem": 20}},
    ]
    monkeypatch.setattr(amd, "amdsmi", make_amdsmi(amdsmi_get_gpu_process_list=lambda _: processes))
    driver = amd.AmdDriver()
    state = driver.read_state("b", is_used_here=True)
    assert (state["other_processes"], state["other_memory_bytes"]) == (1, 20)
    assert driver.read_memory_used_bytes("b") == 10


def test_a_library_that_tells_nothing_gives_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amd, "amdsmi", make_amdsmi())
    driver = amd.AmdDriver()
    assert set(driver.read_state("b", is_used_here=False).values()) == {None}
    assert driver.read_energy_millijoules("b") is None
    monkeypatch.setattr(amd, "amdsmi", None)
    assert amd.AmdDriver().find_handle([], "00000000:63:00.0") is None


def test_where_no_library_tells_every_figure_of_a_card_is_null() -> None:
    silent = SilentAccelerator()
    state = silent.read_state(0)
    assert {value for key, value in state.items() if key != "index"} == {None}
    assert silent.read_energy_millijoules(0) is None
    assert silent.measure_energy_step_sec(0) is None


def test_apples_gpu_keeps_no_peak_so_that_resident_memory_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 5)
    apple = AppleAccelerator()
    assert (apple.read_peak(0).allocated_bytes, apple.read_allocated_bytes(0)) == (None, 5)
