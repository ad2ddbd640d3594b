"""What else the machine did during a trial, read from a made-up /proc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from falcon_exp.worker.devices import noise
from falcon_exp.worker.devices.noise import NoiseMeter


class Clocks:
    """The clock's time at each reading; this process has used 3, then 9 seconds of CPU time."""

    def __init__(self, times_sec: list[float]) -> None:
        self._times_sec = iter(times_sec)
        self._own_sec = iter([3.0, 9.0])

    def perf_counter(self) -> float:
        return next(self._times_sec)

    def process_time(self) -> float:
        return next(self._own_sec)


class Machine:
    """The files of a machine that the meter reads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write(user=1000, steal=10)
        self.thread("self", 1, ran_ns=10**9, waited_ns=0)

    def write(self, *, user: int, steal: int) -> None:
        self.file("proc/stat", f"cpu  {user} 0 0 5000 7 0 0 {steal} 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")

    def thread(self, pid: str | int, thread: int, *, ran_ns: int, waited_ns: int) -> None:
        self.file(f"proc/{pid}/task/{thread}/schedstat", f"{ran_ns} {waited_ns} 9\n")

    def file(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(noise, "_ticks_per_sec", lambda: 100)
    monkeypatch.setattr(noise, "time", Clocks([100.0, 110.0]))
    return Machine(tmp_path)


def test_other_work_is_all_that_the_cores_did_but_this_program_s_own(machine: Machine) -> None:
    parent = os.getppid()
    machine.thread(parent, parent, ran_ns=0, waited_ns=0)
    meter = NoiseMeter(machine.root)
    # Of the two cores' 20 seconds, 13 were busy, one of them stolen; 6 were this process's and 2 its parent's.
    machine.write(user=2200, steal=110)
    machine.thread(parent, parent, ran_ns=2 * 10**9, waited_ns=0)
    assert meter.stop()["other_cpu_share"] == pytest.approx((13 - 6 - 2) / 20)


def test_a_trial_that_waited_for_a_core_says_for_how_much_of_its_time(machine: Machine) -> None:
    meter = NoiseMeter(machine.root)
    machine.thread("self", 1, ran_ns=4 * 10**9, waited_ns=10**9)
    machine.thread("self", 2, ran_ns=10**9, waited_ns=0)
    assert meter.stop()["cpu_wait_share"] == pytest.approx(1 / 5)


def test_pressure_throttling_and_frequency_are_told_where_the_kernel_does(machine: Machine) -> None:
    cpu = "sys/devices/system/cpu/cpu0"
    machine.file("proc/self/cgroup", "0::/lab\n")
    for pressure, throttled, heated in [(1_000_000, 0, 3), (2_000_000, 500_000, 5)]:
        machine.file("proc/pressure/cpu", f"some avg10=0.00 avg60=0.00 avg300=0.00 total={pressure}\n")
        machine.file("sys/fs/cgroup/lab/cpu.stat", f"usage_usec 9\nthrottled_usec {throttled}\n")
        machine.file(f"{cpu}/thermal_throttle/core_throttle_count", f"{heated}\n")
        if pressure == 1_000_000:
            meter = NoiseMeter(machine.root)
    machine.file(f"{cpu}/cpufreq/scaling_cur_freq", "2600000\n")
    told = meter.stop()
    assert told["cpu_pressure_share"] == pytest.approx(0.1)
    assert told["cpu_quota_throttled_sec"] == pytest.approx(0.5)
    assert told["cpu_throttle_events"] == 2
    assert told["cpu_mhz"] == 2600


def test_a_trial_shorter_than_the_kernel_s_ticks_can_tell_has_no_share_of_others(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise, "time", Clocks([100.0, 100.1]))
    meter = NoiseMeter(machine.root)
    machine.write(user=1019, steal=10)
    assert meter.stop()["other_cpu_share"] is None


def test_where_there_is_no_proc_nothing_is_told_and_nothing_fails(machine: Machine, tmp_path: Path) -> None:
    del machine
    told = NoiseMeter(tmp_path / "nowhere").stop()
    assert set(told.values()) == {None}
