"""The joules of a trial, compared with the test's own readings of the counter."""

from __future__ import annotations

import math
import os
import time

import pytest

from falcon_exp.worker.devices.nvml import NvmlDriver
from falcon_exp.worker.devices.simulated import card_file
from tests.conftest import trial
from tests.driver import WorkerDriver
from tests.gpu.conftest import Note
from tests.gpu.machine import GpuMachine
from tests.gpu.models import configure_folder

pytestmark = pytest.mark.gpu

_TOLERANCE = 0.05
#: With counter steps of 100 ms, the slowest known, two readings of one trial differ by at most 2 × 1.25 %.
_TRIAL_SEC = 8
_IDLE_SEC = 1.0
_WARMUP_TOKENS = 64


class CounterReader:
    """Reads NVML's energy counter of one card, found by UUID, together with the clock."""

    def __init__(self, uuid: str) -> None:
        self._driver = NvmlDriver()
        self._handle = self._driver.find_handle([uuid], None)

    def read(self) -> tuple[float, float] | None:
        """Returns (seconds, joules); None if the card has no counter."""
        millijoules = None if self._handle is None else self._driver.read_energy_millijoules(self._handle)
        return None if millijoules is None else (time.perf_counter(), millijoules / 1e3)


def test_the_joules_of_a_trial_are_those_of_a_second_reading(
    machine: GpuMachine, worker: WorkerDriver, model_folder: str, note: Note
) -> None:
    worker.ok("load", {"configuration": configure_folder("none", model_folder, "cuda")})
    warm = worker.ok("generate", trial(phase="warmup", max_new_tokens=_WARMUP_TOKENS, min_new_tokens=_WARMUP_TOKENS))
    if machine.is_simulated:
        measured = worker.ok("generate", trial())["measurement"]
        second = card_file.read_from_environment(os.environ)
        assert second is not None
        expected = second.cards[0].joules_per_reading
    else:
        tokens = math.ceil(warm["measurement"]["decode_tokens_per_sec"] * _TRIAL_SEC)
        measured, expected = _measure_beside(machine, worker, tokens)
    if expected is None:
        pytest.skip("no GPU: this card has no energy counter")
    step_sec = measured["energy_step_sec"]
    note(
        "energy of one trial",
        f"{measured['energy_joules']} J, second reading {expected:.1f} J, step {step_sec} s",
        f"within {_TOLERANCE:.0%}",
    )
    assert measured["energy_note"] is None
    assert measured["energy_joules"] == pytest.approx(expected, rel=_TOLERANCE)


def _measure_beside(machine: GpuMachine, worker: WorkerDriver, tokens: int) -> tuple[dict[str, object], float | None]:
    """Returns a trial and its joules by the test's own readings, less the idle energy before and after it."""
    reader = CounterReader(machine.card["uuid"])
    idle_from = reader.read()
    if idle_from is None:
        return {}, None
    time.sleep(_IDLE_SEC)
    before = reader.read()
    measured = worker.ok("generate", trial(max_new_tokens=tokens, min_new_tokens=tokens))["measurement"]
    after = reader.read()
    assert before is not None
    assert after is not None
    idle_watts = (before[1] - idle_from[1]) / (before[0] - idle_from[0])
    idle_sec = (after[0] - before[0]) - measured["elapsed_sec"]
    return measured, (after[1] - before[1]) - idle_watts * idle_sec
