"""The supervisor, tested from outside: real sockets, a real forkserver, a real tiny model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from falcon_exp.worker.supervisor.sockets import Sockets
from tests.conftest import configuration, scripted_worker, trial
from tests.driver import WorkerDriver
from tests.processes import await_gone

#: Minutes of work for a model with hundreds of tokens per second, so that a test can interrupt it.
LONG: dict[str, Any] = {"max_new_tokens": 50_000, "min_new_tokens": 50_000}
DEADLINE_SEC = 30.0


@pytest.fixture
def without_libraries(tmp_path: Path) -> Iterator[WorkerDriver]:
    """A worker of the test's own without a model in its trial process: both end in the same way, but seconds sooner."""
    with scripted_worker(tmp_path) as driver:
        yield driver


def load(worker: WorkerDriver) -> int:
    """Loads the tiny Falcon and returns the pid of its process."""
    tiny = configuration()
    tiny["model"]["config"]["max_position_embeddings"] = 100_000
    pid: int = worker.ok("load", {"configuration": tiny})["trial_pid"]
    return pid


def generating(worker: WorkerDriver) -> str:
    """Starts a long generate and returns its id once tokens come."""
    identifier = worker.send("generate", trial(**LONG))
    worker.await_progress("measure")
    return identifier


def cancel(worker: WorkerDriver, identifier: str) -> None:
    """Cancels a running request and checks that both requests are answered."""
    cancelling = worker.send("cancel", {"target": identifier}, socket_name="control")
    answer = worker.answer(identifier)
    assert (answer["type"], answer["body"]["code"]) == ("error", "cancelled")
    assert worker.answer(cancelling, "control")["body"] == {"request": "cancel"}


def await_heartbeat(worker: WorkerDriver, trial_pid: int | None) -> None:
    """Waits for the next heartbeat that reports this trial process, or none."""
    while True:
        message = worker.receive("control")
        if message["type"] == "heartbeat" and message["body"]["trial_pid"] == trial_pid:
            return


def test_a_trial_process_killed_in_a_generate_is_reported_and_the_next_load_works(shared_worker: WorkerDriver) -> None:
    pid = load(shared_worker)
    identifier = generating(shared_worker)
    os.kill(pid, signal.SIGKILL)
    answer = shared_worker.answer(identifier)
    assert answer["type"] == "error"
    assert answer["body"]["code"] == "trial-process-died"
    assert (answer["body"]["signal"], answer["body"]["phase"]) == ("SIGKILL", "measure")
    load(shared_worker)
    shared_worker.ok("generate", trial())


def test_a_trial_process_killed_while_idle_is_reported_at_the_next_generate(shared_worker: WorkerDriver) -> None:
    pid = load(shared_worker)
    os.kill(pid, signal.SIGKILL)
    await_gone(pid)
    assert shared_worker.error("generate", trial())["code"] == "trial-process-died"
    assert shared_worker.ok("unload") == {"request": "unload", "proof_after": None}
    assert shared_worker.error("generate", trial())["code"] == "no-trial-process"


def test_after_an_unload_the_death_of_the_process_before_it_is_told_no_more(shared_worker: WorkerDriver) -> None:
    pid = load(shared_worker)
    await_heartbeat(shared_worker, trial_pid=pid)
    os.kill(pid, signal.SIGKILL)
    await_heartbeat(shared_worker, trial_pid=None)
    shared_worker.ok("unload")
    assert shared_worker.error("generate", trial())["code"] == "no-trial-process"


def test_a_generate_with_nothing_loaded_is_refused(shared_worker: WorkerDriver) -> None:
    assert shared_worker.error("generate", trial())["code"] == "no-trial-process"


def test_a_cancel_ends_the_trial_process_and_the_request(shared_worker: WorkerDriver) -> None:
    pid = load(shared_worker)
    identifier = generating(shared_worker)
    cancel(shared_worker, identifier)
    await_gone(pid)
    load(shared_worker)


def test_a_cancel_of_a_request_that_is_over_does_nothing(shared_worker: WorkerDriver) -> None:
    load(shared_worker)
    assert shared_worker.ok("cancel", {"target": "c1"}, socket_name="control") == {"request": "cancel"}
    shared_worker.ok("generate", trial())


def test_heartbeats_go_on_while_a_trial_computes(shared_worker: WorkerDriver) -> None:
    pid = load(shared_worker)
    identifier = generating(shared_worker)
    for _ in range(3):
        await_heartbeat(shared_worker, trial_pid=pid)
    cancel(shared_worker, identifier)


def test_a_second_load_must_wait_for_the_unload(shared_worker: WorkerDriver) -> None:
    load(shared_worker)
    assert "unload" in shared_worker.error("load", {"configuration": configuration()})["message"]
    shared_worker.ok("unload")
    load(shared_worker)


def test_an_unload_sends_the_libraries_warnings_once_each_with_a_count(shared_worker: WorkerDriver) -> None:
    shared_worker.ok("load", {"configuration": configuration("int8")})
    shared_worker.ok("generate", trial())
    shared_worker.ok("unload")
    counts = [notice["body"]["count"] for notice in shared_worker.notices if "MatMul8bitLt" in notice["body"]["text"]]
    # Eight layers, in six passes for tokens and one that checks whether a repetitive answer came from finite logits.
    assert counts == [56]


def test_unloading_nothing_is_no_error(without_libraries: WorkerDriver) -> None:
    assert without_libraries.ok("unload") == {"request": "unload", "proof_after": None}


@pytest.mark.parametrize(
    ("frame", "parent"),
    [
        (b"\xff\xfe", None),
        (b"[]", None),
        (b"1" * 5000, None),
        (b'{"v": 1, "id": "\\ud800", "parent": null, "type": "unload", "body": {}}', None),
        (b'{"v": 1, "id": "x7", "parent": null, "type": "nonsense", "body": {}}', "x7"),
        (b'{"v": 0, "id": "x8", "parent": null, "type": "unload", "body": {}}', "x8"),
        (b'{"v": 1, "id": "x9", "parent": null, "type": "unload", "body": {"extra": 1}}', "x9"),
    ],
)
def test_a_message_that_breaks_the_contract_is_answered_and_the_worker_lives(
    shared_worker: WorkerDriver, frame: bytes, parent: str | None
) -> None:
    shared_worker.send_raw(frame)
    answer = shared_worker.receive()
    assert (answer["type"], answer["parent"], answer["body"]["code"]) == ("error", parent, "message-invalid")
    shared_worker.ok("unload")


def test_a_failure_that_cannot_be_sent_as_it_is_is_answered_all_the_same(
    shared_worker: WorkerDriver, tmp_path: Path
) -> None:
    # The trial process's message repeats the name of the architecture, but half a character cannot be sent as UTF-8.
    (tmp_path / "config.json").write_text('{"model_type": "\\ud800"}')
    (tmp_path / "model.safetensors").touch()
    model = {"source": "path", "path": str(tmp_path)}
    error = shared_worker.error("load", {"configuration": configuration(model=model)})
    assert error["code"] == "worker-exception"
    assert shared_worker.ok("unload") == {"request": "unload", "proof_after": None}


def test_a_controller_that_reads_nothing_does_not_hold_the_worker_up() -> None:
    with tempfile.TemporaryDirectory(prefix="fx-") as folder:
        sockets = Sockets({"work": f"ipc://{folder}/work", "control": f"ipc://{folder}/control"})
        # Nothing is bound at the other end. By default, ZeroMQ keeps 1000 messages and then blocks.
        for _ in range(3000):
            sockets.send("control", "heartbeat", None, {"trial_pid": None})
        sockets.close()


def test_a_request_on_the_wrong_socket_is_refused(shared_worker: WorkerDriver) -> None:
    assert shared_worker.error("ping")["code"] == "message-invalid"
    assert shared_worker.error("unload", socket_name="control")["code"] == "message-invalid"
    assert shared_worker.ok("ping", socket_name="control") == {"request": "ping"}


def test_shutdown_ends_it_with_0_and_takes_the_trial_process_along(without_libraries: WorkerDriver) -> None:
    pid = load(without_libraries)
    without_libraries.ok("shutdown", socket_name="control")
    assert without_libraries.process.wait(DEADLINE_SEC) == 0
    await_gone(pid)


def test_sigterm_ends_it_with_143_and_takes_the_trial_process_along(without_libraries: WorkerDriver) -> None:
    pid = load(without_libraries)
    without_libraries.process.send_signal(signal.SIGTERM)
    assert without_libraries.process.wait(DEADLINE_SEC) == 143
    await_gone(pid)


def test_the_end_of_the_controller_ends_everything(without_libraries: WorkerDriver) -> None:
    # A stopped process does not see that its pipe was closed: it must be killed.
    os.kill(load(without_libraries), signal.SIGSTOP)
    family: list[Any] = psutil.Process(without_libraries.process.pid).children(recursive=True)
    assert len(family) >= 2
    assert without_libraries.process.stdin is not None
    without_libraries.process.stdin.close()
    without_libraries.process.wait(DEADLINE_SEC)
    for process in family:
        await_gone(process.pid)


def test_the_end_of_the_controller_ends_a_worker_that_is_still_importing(tmp_path: Path) -> None:
    (tmp_path / "zmq.py").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    arguments = ["-m", "falcon_exp.worker", "--work", "ipc://work", "--control", "ipc://control", "--parent-pid"]
    start = f"import os, subprocess; subprocess.run([{sys.executable!r}, *{arguments!r}, str(os.getpid())])"
    package_folder = Path(__file__).parents[1]
    controller = subprocess.Popen(
        [sys.executable, "-c", start],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{package_folder}"},
        text=True,
    )
    with controller:
        assert controller.stdout is not None
        supervisor_pid = int(controller.stdout.readline())
        family = [supervisor_pid, *(child.pid for child in psutil.Process(supervisor_pid).children(recursive=True))]
        controller.kill()
        # The pipe that both have as their stdin is still open.
        for pid in family:
            await_gone(pid)


def test_what_a_supervisor_starts_is_told_whose_child_it_is(without_libraries: WorkerDriver) -> None:
    load(without_libraries)
    supervisor = psutil.Process(without_libraries.process.pid)
    told = [child.environ().get("FALCON_EXP_PARENT_PID") for child in supervisor.children()]
    assert told != []
    assert set(told) == {str(supervisor.pid)}


def test_a_supervisor_that_is_killed_takes_the_trial_process_along(without_libraries: WorkerDriver) -> None:
    pid = load(without_libraries)
    os.kill(pid, signal.SIGSTOP)
    without_libraries.process.kill()
    await_gone(pid)
