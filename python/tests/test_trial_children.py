"""A trial process may fork, as tasks of lm-evaluation-harness do; however it ends, nothing that it forked remains."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import configuration, scripted_worker, trial
from tests.driver import WorkerDriver
from tests.processes import await_gone, is_alive


@pytest.fixture(params=["forked", "spawned"])
def worker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[WorkerDriver]:
    driver = {"FALCON_EXP_TEST_DRIVER": "initialized-by-an-import"} if request.param == "spawned" else {}
    with scripted_worker(tmp_path, driver) as worker:
        yield worker


def load_and_fork(worker: WorkerDriver) -> list[int]:
    """Returns the pids of a trial process and of the processes that it forked."""
    pid: int = worker.ok("load", {"configuration": configuration()})["trial_pid"]
    worker.ok("generate", trial("fork"))
    family = [process.pid for process in psutil.Process(pid).children(recursive=True)]
    assert len(family) == 2
    return [pid, *family]


def test_an_unload_is_answered_when_they_are_gone(worker: WorkerDriver) -> None:
    family = load_and_fork(worker)
    worker.ok("unload")
    assert not any(map(is_alive, family))
    worker.ok("load", {"configuration": configuration()})


def test_a_cancel_is_answered_when_they_are_gone(worker: WorkerDriver) -> None:
    family = load_and_fork(worker)
    generate = worker.send("generate", trial("compute"))
    worker.await_progress("measure")
    worker.ok("cancel", {"target": generate}, socket_name="control")
    assert worker.answer(generate)["body"]["code"] == "cancelled"
    assert not any(map(is_alive, family))


def test_a_crash_is_answered_when_they_are_gone(worker: WorkerDriver) -> None:
    family = load_and_fork(worker)
    assert worker.error("generate", trial("fork and die"))["code"] == "trial-process-died"
    assert not any(map(is_alive, family))
    left = psutil.Process(worker.process.pid).children(recursive=True)
    assert not any("time.sleep(3600)" in " ".join(process.cmdline()) for process in left)


def close_stdin(worker: WorkerDriver) -> None:
    assert worker.process.stdin is not None
    worker.process.stdin.close()


def send_sigterm(worker: WorkerDriver) -> None:
    worker.process.send_signal(signal.SIGTERM)


def shut_down(worker: WorkerDriver) -> None:
    worker.ok("shutdown", socket_name="control")


@pytest.mark.parametrize("end", [shut_down, send_sigterm, close_stdin])
def test_the_end_of_the_worker_ends_them(worker: WorkerDriver, end: Callable[[WorkerDriver], None]) -> None:
    family = load_and_fork(worker)
    end(worker)
    worker.process.wait(30)
    for pid in family:
        await_gone(pid)


def test_a_supervisor_that_is_killed_takes_along_what_the_trial_forked(worker: WorkerDriver) -> None:
    pid, *_ = family = load_and_fork(worker)
    group = [one for one in family if os.getpgid(one) == worker.process.pid]
    assert pid in group
    worker.process.kill()
    for one in group:
        await_gone(one)
    for one in set(family) - set(group):
        os.kill(one, signal.SIGKILL)
