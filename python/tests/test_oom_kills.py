"""A SIGKILL by the kernel for lack of memory is told apart from any other, and from those in other containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker.supervisor.child import Exit
from falcon_exp.worker.supervisor.ending import Ended
from falcon_exp.worker.supervisor.exit_reason import ExitReasons

V2 = ("0::/falcon\n", "/sys/fs/cgroup/falcon/memory.events")
V2_IN_A_CONTAINER = ("0::/\n", "/sys/fs/cgroup/memory.events")
V1 = ("4:memory:/falcon\n0::/\n", "/sys/fs/cgroup/memory/falcon/memory.oom_control")
V1_IN_A_CONTAINER = ("4:memory:/docker/12\n", "/sys/fs/cgroup/memory/memory.oom_control")


class Kernel:
    """Stands in for what the kernel reports in its files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cgroup: tuple[str, str] | None) -> None:
        self._cgroup = cgroup
        self.in_cgroup = 0
        self.on_machine = 7
        monkeypatch.setattr(Path, "read_text", lambda path, *_: self._read(str(path)))

    def _read(self, path: str) -> str:
        if path == "/proc/vmstat":
            return f"pgfault 5\noom_kill {self.on_machine}\n"
        if self._cgroup is not None and path == "/proc/self/cgroup":
            return self._cgroup[0]
        if self._cgroup is not None and path == self._cgroup[1]:
            return f"oom 3\noom_kill {self.in_cgroup}\n"
        raise FileNotFoundError(path)


SIGKILL: Any = Ended(Exit(None, "SIGKILL"))


@pytest.mark.parametrize("cgroup", [V2, V2_IN_A_CONTAINER, V1, V1_IN_A_CONTAINER])
def test_a_kill_in_another_container_does_not_name_ours(
    monkeypatch: pytest.MonkeyPatch, cgroup: tuple[str, str]
) -> None:
    kernel = Kernel(monkeypatch, cgroup)
    reasons = ExitReasons()
    kernel.on_machine += 1
    assert reasons.explain(SIGKILL)[0] == "trial-process-died"


@pytest.mark.parametrize("cgroup", [V2, V2_IN_A_CONTAINER, V1, V1_IN_A_CONTAINER])
def test_a_kill_in_this_cgroup_is_seen_however_often_the_machine_killed_before(
    monkeypatch: pytest.MonkeyPatch, cgroup: tuple[str, str]
) -> None:
    kernel = Kernel(monkeypatch, cgroup)
    reasons = ExitReasons()
    kernel.in_cgroup += 1
    assert reasons.explain(SIGKILL)[0] == "out-of-memory-host"


def test_without_a_cgroup_that_counts_the_machine_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, None)
    reasons = ExitReasons()
    assert reasons.explain(SIGKILL)[0] == "trial-process-died"
    kernel.on_machine += 1
    assert reasons.explain(SIGKILL)[0] == "out-of-memory-host"
    assert reasons.explain(Ended(Exit(1, None)))[0] == "trial-process-died"


def test_what_was_killed_before_a_process_began_was_not_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, V2)
    reasons = ExitReasons()
    kernel.in_cgroup += 1
    reasons.begin()
    assert reasons.explain(SIGKILL)[0] == "trial-process-died"
