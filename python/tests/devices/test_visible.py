"""Whether an accelerator is visible, determined without starting its driver."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from falcon_exp.worker.devices import visible
from falcon_exp.worker.devices.simulated import card_file
from falcon_exp.worker.devices.visible import look_for_accelerators


def make_torch(cuda: str | None = None, hip: str | None = None, **counts: int) -> Any:
    """A torch of this build whose management libraries report these counts; asking the driver is an error."""

    def ask_driver() -> int:
        raise AssertionError("the driver was asked")

    functions = {f"_device_count_{name}": (lambda count=count: count) for name, count in counts.items()}
    return SimpleNamespace(
        version=SimpleNamespace(cuda=cuda, hip=hip),
        cuda=SimpleNamespace(device_count=ask_driver, is_available=ask_driver, **functions),
        backends=SimpleNamespace(mps=SimpleNamespace(is_built=lambda: False)),
    )


@pytest.fixture(autouse=True)
def _linux_with_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visible, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(visible, "_has_library", lambda *_: True)
    monkeypatch.delenv(card_file.VARIABLE, raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(("count", "answer"), [(0, "none"), (2, "some")])
def test_nvml_tells_how_many_cards_there_are(count: int, answer: str) -> None:
    assert look_for_accelerators(make_torch("13.0", nvml=count)).answer == answer


def test_a_slice_by_name_and_a_machine_without_nvml_leave_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_for_accelerators(make_torch("13.0", nvml=-1)).answer == "unknown"
    assert look_for_accelerators(make_torch("13.0")).answer == "unknown"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-11111111-2222-3333-4444-555555555555")
    assert "MIG" in look_for_accelerators(make_torch("13.0", nvml=-1)).reason


def test_a_cuda_build_without_a_driver_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visible, "_has_library", lambda *_: False)
    assert look_for_accelerators(make_torch("13.0", nvml=-1)).answer == "none"


def test_a_build_for_cpus_sees_nothing() -> None:
    assert look_for_accelerators(make_torch()).answer == "none"


def test_a_rocm_build_without_the_kernel_driver_sees_nothing() -> None:
    assert look_for_accelerators(make_torch(hip="7.0", amdsmi=4)).answer == "none"


def test_simulated_cards_are_seen_unless_they_hide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cards.json"
    monkeypatch.setenv(card_file.VARIABLE, str(file))
    file.write_text(json.dumps({"cards": []}))
    assert look_for_accelerators(make_torch()).answer == "some"
    file.write_text(json.dumps({"cards": [], "are_hidden": True}))
    assert look_for_accelerators(make_torch()).answer == "unknown"
