"""The joules of a trial, and when none can be reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcon_exp.worker.devices.energy import CardEnergyMeter, CpuEnergyMeter, measure_step_sec
from falcon_exp.worker.devices.rapl import Rapl


class Counter:
    """Returns its readings one after another, whichever card is asked."""

    energy_source = "nvml"

    def __init__(self, *readings: int | None) -> None:
        self._readings: Iterator[int | None] = iter(readings)

    def read_energy_millijoules(self, index: int) -> int | None:
        del index
        return next(self._readings)


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 10**9)), min_size=1, max_size=8))
def test_joules_are_what_all_counters_gained(cards: list[tuple[int, int]]) -> None:
    readings = [start for start, _ in cards] + [start + gain for start, gain in cards]
    energy = CardEnergyMeter(Counter(*readings), range(len(cards)), 0.0).stop()
    assert energy.joules == pytest.approx(sum(gain for _, gain in cards) / 1000)
    assert (energy.source, energy.note) == ("nvml", None)


def test_a_counter_that_was_reset_gives_no_joules_rather_than_none_used() -> None:
    energy = CardEnergyMeter(Counter(5_000, 100), [0], 0.0).stop()
    assert (energy.joules, energy.note) == (None, "an energy counter was reset during the trial")


def test_a_trial_of_few_steps_of_the_counter_has_no_joules_and_says_why() -> None:
    energy = CardEnergyMeter(Counter(0, 5_000), [0], 3600.0).stop()
    assert energy.joules is None
    assert energy.note is not None
    assert "20 steps" in energy.note
    assert energy.step_sec == 3600.0


def test_a_card_without_a_counter_leaves_the_sum_unknown() -> None:
    assert CardEnergyMeter(Counter(0, None, 5, None), [0, 1], None).stop().joules is None


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("step_ms", [20, 100])
def test_the_step_of_a_counter_is_found_by_watching_it(step_ms: int) -> None:
    clock = Clock()
    step = measure_step_sec(lambda: int(clock.now * 1000) // step_ms * 7, clock=clock, sleep=clock.sleep)
    assert step == pytest.approx(step_ms / 1000, abs=0.002)


def test_a_counter_that_stands_still_has_no_step() -> None:
    clock = Clock()
    assert measure_step_sec(lambda: 7, clock=clock, sleep=clock.sleep) is None
    assert measure_step_sec(lambda: None, clock=clock, sleep=clock.sleep) is None


def write_package(folder: Path, energy_uj: int) -> None:
    package = folder / "intel-rapl:0"
    package.mkdir(exist_ok=True)
    (package / "energy_uj").write_text(str(energy_uj))
    (package / "max_energy_range_uj").write_text("1000000000")


def test_a_cpus_counter_may_pass_its_maximum_once(tmp_path: Path) -> None:
    write_package(tmp_path, 999_000_000)
    meter = CpuEnergyMeter(Rapl(tmp_path))
    write_package(tmp_path, 4_000_000)
    energy = meter.stop()
    assert (energy.joules, energy.source) == (5.0, "rapl")


def test_without_a_readable_counter_the_cpu_tells_nothing(tmp_path: Path) -> None:
    energy = CpuEnergyMeter(Rapl(tmp_path)).stop()
    assert (energy.joules, energy.source) == (None, None)
    assert energy.note is not None
