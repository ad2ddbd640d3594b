"""A trial process that is slow to end: nothing is answered before it is gone, and heartbeats continue meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import configuration, scripted_worker, trial
from tests.driver import WorkerDriver
from tests.processes import Hold, await_gone, is_alive


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerDriver]:
    with scripted_worker(tmp_path_factory.mktemp("home")) as driver:
        yield driver


@pytest.fixture
def worker(shared: WorkerDriver) -> Iterator[WorkerDriver]:
    """The shared worker, without a trial process before and after the test."""
    yield shared
    shared.ok("unload")


def load(worker: WorkerDriver, label: str = "good") -> int:
    body: dict[str, Any] = {"configuration": {**configuration(), "label": label}}
    pid: int = worker.ok("load", body)["trial_pid"]
    # The answer comes after all heartbeats that do not know of this process yet.
    worker.ok("ping", socket_name="control")
    return pid


def hold(pid: int) -> Hold:
    try:
        return Hold(pid)
    except OSError as error:
        pytest.skip(str(error))


def test_what_one_process_found_out_the_next_one_is_told(worker: WorkerDriver) -> None:
    told = []
    for _ in range(2):
        told.append(worker.ok("load", {"configuration": configuration()})["measurement"]["download_sec"])
        worker.ok("unload")
    assert told[1] == told[0] + 1


def test_a_process_that_does_not_end_by_itself_is_killed_while_heartbeats_go_on(worker: WorkerDriver) -> None:
    pid = load(worker, "stays")
    unload = worker.send("unload")
    beats = worker.beats_before_answer(unload)
    # It is asked to end after 3 s and killed 2 s later; a heartbeat comes every second.
    assert len(beats) >= 2
    assert {beat["trial_pid"] for beat in beats} == {pid}
    assert worker.answer(unload)["type"] == "ok"
    assert not is_alive(pid)
    assert load(worker) != pid


def test_an_unload_is_answered_when_the_kernel_says_that_the_process_is_gone(worker: WorkerDriver) -> None:
    pid = load(worker)
    held = hold(pid)
    unload = worker.send("unload")
    # The process has ended, but its parent cannot see that yet.
    assert worker.beats_before_answer(unload, most=3) == 3 * [{"trial_pid": pid}]
    held.let_go()
    assert worker.answer(unload)["body"] == {"request": "unload", "proof_after": None}
    assert load(worker) != pid


def test_a_cancel_is_answered_when_the_process_is_gone(worker: WorkerDriver) -> None:
    pid = load(worker)
    generate = worker.send("generate", trial("compute"))
    worker.await_progress("measure")
    held = hold(pid)
    worker.ok("cancel", {"target": generate}, socket_name="control")
    # Refused while the cancelled request is open. This is the last message before the answer to that request.
    assert worker.error("unload")["code"] == "message-invalid"
    assert worker.beats_before_answer(generate, most=2) == 2 * [{"trial_pid": pid}]
    held.let_go()
    assert worker.answer(generate)["body"]["code"] == "cancelled"
    assert load(worker) != pid


def test_a_cancel_of_an_unload_kills_the_process_at_once(worker: WorkerDriver) -> None:
    pid = load(worker, "stays")
    unload = worker.send("unload")
    assert worker.beats_before_answer(unload, most=1) == [{"trial_pid": pid}]
    worker.ok("cancel", {"target": unload}, socket_name="control")
    answer = worker.answer(unload)["body"]
    assert (answer["code"], answer["signal"]) == ("cancelled", "SIGKILL")
    assert not is_alive(pid)


def test_what_is_asked_while_an_idle_process_ends_waits_for_that(worker: WorkerDriver) -> None:
    pid = load(worker)
    held = hold(pid)
    os.kill(pid, signal.SIGKILL)
    await_gone(pid)
    again = worker.send("load", {"configuration": configuration()})
    assert worker.beats_before_answer(again, most=2) == 2 * [{"trial_pid": pid}]
    held.let_go()
    assert worker.answer(again)["body"]["trial_pid"] != pid


def test_after_an_illegal_address_the_process_is_ended_and_the_next_answer_is_no_figure(worker: WorkerDriver) -> None:
    pid = load(worker)
    error = worker.error("generate", trial("illegal address"))
    assert error["code"] == "device-fault"
    assert not is_alive(pid)
    next_error = worker.error("generate", trial())
    assert next_error["code"] == "device-fault"
    assert "was ended because of this" in next_error["message"]
    assert load(worker) != pid
    worker.ok("generate", trial())


def test_after_memory_ran_out_the_process_serves_on(worker: WorkerDriver) -> None:
    pid = load(worker)
    assert worker.error("generate", trial("out of memory"))["code"] == "out-of-memory-device"
    assert is_alive(pid)
    worker.ok("generate", trial())
