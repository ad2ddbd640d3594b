"""NVIDIA's library replaced by a stand-in: handles by UUID, neighbours, slices."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from falcon_exp.worker.devices import nvml
from falcon_exp.worker.devices.neighbours import count_others


class FakeError(Exception):
    """The stand-in's NVMLError."""


def make_pynvml(**functions: Any) -> Any:
    """A library that knows one card and one slice; functions that are not given raise, as with an old driver."""

    def unknown(*_: Any) -> Any:
        raise FakeError

    handles = {b"GPU-1": "card", b"MIG-7": "slice"}

    def find(uuid: bytes) -> str:
        if uuid not in handles:
            raise FakeError
        return handles[uuid]

    known: dict[str, Any] = {"nvmlInit": lambda: None, "nvmlDeviceGetHandleByUUID": find, **functions}

    class Library(SimpleNamespace):
        NVMLError = FakeError
        NVML_CLOCK_SM = NVML_CLOCK_MEM = NVML_TEMPERATURE_GPU = 0

        def __getattr__(self, _: str) -> Any:
            return unknown

    return Library(**known)


def test_a_card_is_found_by_any_spelling_of_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "pynvml", make_pynvml())
    driver = nvml.NvmlDriver()
    assert driver.find_handle(["GPU-1", "MIG-1"], None) == "card"
    assert driver.find_handle(["GPU-7", "MIG-7"], None) == "slice"
    assert driver.find_handle(["GPU-9"], None) is None


def test_a_slice_says_its_profile_and_has_no_energy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    library = make_pynvml(
        nvmlDeviceIsMigDeviceHandle=lambda handle: handle == "slice",
        nvmlDeviceGetName=lambda _: b"NVIDIA H100 80GB HBM3 MIG 1g.10gb",
    )
    monkeypatch.setattr(nvml, "pynvml", library)
    driver = nvml.NvmlDriver()
    assert driver.get_mig_profile("slice") == "1g.10gb"
    assert driver.get_mig_profile("card") is None
    assert driver.read_energy_millijoules("slice") is None


def test_a_driver_that_tells_nothing_gives_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "pynvml", make_pynvml())
    state = nvml.NvmlDriver().read_state("card", is_used_here=False)
    assert set(state.values()) == {None}


def test_without_the_library_there_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "pynvml", None)
    driver = nvml.NvmlDriver()
    assert driver.find_handle(["GPU-1"], "00000000:01:00.0") is None
    assert driver.read_driver_version() is None


def test_neighbours_are_all_processes_but_this_one() -> None:
    processes: list[tuple[int, int | None]] = [(os.getpid(), 10), (1, 20), (2, None)]
    assert count_others(processes, is_used_here=True) == {"other_processes": 2, "other_memory_bytes": 20}
    assert count_others([(1, 20)], is_used_here=False) == {"other_processes": 1, "other_memory_bytes": 20}
    assert count_others(None, is_used_here=True) == {"other_processes": None, "other_memory_bytes": None}


def test_in_a_container_one_of_the_unknown_processes_is_this_one() -> None:
    assert count_others([(1, 20), (2, 30)], is_used_here=True) == {"other_processes": 1, "other_memory_bytes": None}
    assert count_others([(1, 20)], is_used_here=True) == {"other_processes": 0, "other_memory_bytes": None}
