"""If a forked process cannot use the devices, each one is started afresh; this is found out first and reported once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import configuration, opened_worker, scripted_worker, trial
from tests.driver import WorkerDriver
from tests.processes import await_gone, is_alive

_TESTS = Path(__file__).parent


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerDriver]:
    """A worker whose preloaded libraries initialize a driver."""
    with scripted_worker(tmp_path, {"FALCON_EXP_TEST_DRIVER": "initialized-by-an-import"}) as driver:
        yield driver


def load(worker: WorkerDriver) -> int:
    pid: int = worker.ok("load", {"configuration": configuration()})["trial_pid"]
    return pid


def test_a_poisoned_fork_is_started_afresh_and_said_once(worker: WorkerDriver) -> None:
    assert "environment" in worker.ok("start")
    pid = load(worker)
    # Spawned by the supervisor itself; the forkserver and its useless context are gone.
    assert psutil.Process(pid).ppid() == worker.process.pid
    commands = [" ".join(one.cmdline()) for one in psutil.Process(worker.process.pid).children(recursive=True)]
    assert not any("forkserver" in command for command in commands)
    worker.ok("generate", trial())
    worker.ok("unload")
    load(worker)
    [notice] = [notice["body"] for notice in worker.notices]
    assert (notice["source"], notice["count"]) == ("falcon-exp", 1)
    assert "started afresh instead of forked: an import initialized the driver." in notice["text"]


def test_a_load_without_a_start_is_started_afresh_as_well(worker: WorkerDriver) -> None:
    assert psutil.Process(load(worker)).ppid() == worker.process.pid
    assert len(worker.notices) == 1


def test_a_spawned_process_ends_with_the_supervisor(worker: WorkerDriver) -> None:
    pid = load(worker)
    worker.process.kill()
    await_gone(pid)


def test_a_spawned_process_that_is_killed_is_reported_and_the_next_load_works(worker: WorkerDriver) -> None:
    pid = load(worker)
    generate = worker.send("generate", trial("compute"))
    worker.await_progress("measure")
    os.kill(pid, signal.SIGKILL)
    answer = worker.answer(generate)["body"]
    assert (answer["code"], answer["signal"], answer["phase"]) == ("trial-process-died", "SIGKILL", "measure")
    load(worker)


def test_a_spawned_process_killed_beside_its_own_children_is_reported(worker: WorkerDriver) -> None:
    pid = load(worker)
    # The processes that it forked still hold its pipes open.
    generate = worker.send("generate", trial("fork and die"))
    assert worker.answer(generate)["body"]["code"] == "trial-process-died"
    assert not is_alive(pid)


def test_a_poisoned_fork_that_shows_only_in_a_generate_makes_the_next_process_a_fresh_one(tmp_path: Path) -> None:
    with scripted_worker(tmp_path) as worker:
        assert psutil.Process(load(worker)).ppid() != worker.process.pid
        assert worker.error("generate", trial("poisoned"))["code"] == "fork-poisoned"
        assert psutil.Process(load(worker)).ppid() == worker.process.pid
        worker.ok("generate", trial())


def test_torchs_own_word_of_a_bad_fork_is_heeded_and_the_model_runs_in_a_spawned_process(home: Path) -> None:
    path = os.pathsep.join([str(_TESTS / "bad_fork"), str(_TESTS.parent)])
    # Loads without a start, because each spawned process imports the libraries anew.
    with opened_worker(home, {"PYTHONPATH": path}) as worker:
        assert psutil.Process(load(worker)).ppid() == worker.process.pid
        assert [notice["body"]["source"] for notice in worker.notices] == ["falcon-exp"]
        worker.ok("generate", trial())
