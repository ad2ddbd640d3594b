"""Over TCP, the worker talks only with keys, and only to the controller that holds the matching key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from falcon_exp.worker.supervisor.sockets import Sockets
from falcon_exp.worker.supervisor.zmq_keys import CurveKeys, read_keys

_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
)


def run_worker(stdin: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a worker until it ends; no libraries are preloaded (tests/scripted_worker), because none are needed here."""
    tests = Path(__file__).parent
    return subprocess.run(
        [sys.executable, "-m", "falcon_exp.worker", *arguments, "--parent-pid", str(os.getpid())],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests / "scripted_worker"), str(tests.parent)])},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:1", "tcp://0.0.0.0:1", "ws://127.0.0.1:1", "inproc://x"])
def test_an_endpoint_that_others_can_reach_is_refused_without_keys(endpoint: str) -> None:
    ended = run_worker(b"", "--work", endpoint, "--control", "ipc:///tmp/never-there")
    assert ended.returncode == 2
    assert b"no keys" in ended.stderr


@pytest.mark.parametrize(
    "stdin",
    [b"", b"x" * 5000, b"{}\n", b"[]\n", b"\xff\n", b'{"server_public_key": 1}\n', b"null\n"],
)
def test_stdin_without_keys_ends_the_worker_and_does_not_repeat_what_came(stdin: bytes) -> None:
    ended = run_worker(stdin, "--work", "tcp://127.0.0.1:1", "--control", "tcp://127.0.0.1:1", "--curve")
    assert ended.returncode == 2
    assert b"keys" in ended.stderr
    assert b"xxxx" not in ended.stderr


def test_keys_are_read_to_the_end_of_their_line_and_no_further() -> None:
    keys = {"server_public_key": "a" * 40, "public_key": "b" * 40, "secret_key": "c" * 40}
    reading, writing = os.pipe()
    try:
        os.write(writing, json.dumps(keys).encode() + b"\nmore")
        assert read_keys(reading) == CurveKeys(b"a" * 40, b"b" * 40, b"c" * 40)
        assert os.read(reading, 10) == b"more"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_worker_says_nothing_to_a_controller_that_does_not_hold_the_key() -> None:
    context = zmq.Context()
    impostor = context.socket(zmq.DEALER)
    impostor.setsockopt(zmq.LINGER, 0)
    public, secret = zmq.curve_keypair()
    expected, _ = zmq.curve_keypair()
    impostor.curve_server = True
    impostor.curve_publickey, impostor.curve_secretkey = public, secret
    port = impostor.bind_to_random_port("tcp://127.0.0.1")
    monitor = impostor.get_monitor_socket(_FAILED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    own_public, own_secret = zmq.curve_keypair()
    keys = CurveKeys(expected, own_public, own_secret)
    sockets = Sockets({"work": f"tcp://127.0.0.1:{port}"}, keys)
    sockets.sockets["work"].setsockopt(zmq.LINGER, 0)
    try:
        sockets.send("work", "heartbeat", None, {"trial_pid": None})
        assert monitor.poll(60_000)
        event = recv_monitor_message(monitor)["event"]
        assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED
        assert not impostor.poll(0)
    finally:
        sockets.close()
        impostor.disable_monitor()
        context.destroy(linger=0)
