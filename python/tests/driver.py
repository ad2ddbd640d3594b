"""A miniature controller: spawns the real worker and talks to it over real sockets."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import zmq

from falcon_exp.worker.wire import decode_worker_message

_PACKAGE_FOLDER = Path(__file__).parents[1]
_LIMIT_SEC = 120.0


class WorkerDriver:
    """One worker process; ``close`` leaves nothing behind."""

    def __init__(self, folder: Path, home: Path, extra_environment: dict[str, str] | None = None) -> None:
        self._context = zmq.Context()
        self._work = self._bound(folder / "work")
        self._control = self._bound(folder / "control")
        self._poller = zmq.Poller()
        self._poller.register(self._work, zmq.POLLIN)
        self._poller.register(self._control, zmq.POLLIN)
        self._ids = itertools.count(1)
        self.heartbeats: list[dict[str, Any]] = []
        self.progress: list[dict[str, Any]] = []
        self.notices: list[dict[str, Any]] = []
        #: What a started worker reported about the machine.
        self.environment: dict[str, Any] = {}
        arguments = ["--work", f"ipc://{folder}/work", "--control", f"ipc://{folder}/control"]
        environment = {**os.environ, "PYTHONPATH": str(_PACKAGE_FOLDER), "FALCON_EXP_HOME": str(home)}
        environment.update(extra_environment or {})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "falcon_exp.worker", *arguments, "--parent-pid", str(os.getpid())],
            stdin=subprocess.PIPE,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )

    def _bound(self, path: Path) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.bind(f"ipc://{path}")
        return socket

    def send(self, kind: str, body: dict[str, Any] | None = None, socket_name: str = "work") -> str:
        identifier = f"c{next(self._ids)}"
        message = {"v": 1, "id": identifier, "parent": None, "type": kind, "body": body or {}}
        self.send_raw(json.dumps(message).encode(), socket_name)
        return identifier

    def send_raw(self, frame: bytes, socket_name: str = "work") -> None:
        (self._work if socket_name == "work" else self._control).send(frame)

    def receive(self, socket_name: str = "work") -> dict[str, Any]:
        """Returns the next message from a socket, checked against the schema."""
        socket = self._work if socket_name == "work" else self._control
        if not socket.poll(round(_LIMIT_SEC * 1000)):
            raise TimeoutError(f"nothing on the {socket_name} socket")
        return decode_worker_message(socket.recv())

    def answer(self, identifier: str, socket_name: str = "work") -> dict[str, Any]:
        """Returns the ok or error for a request; keeps the progress, notices and heartbeats that come before it."""
        deadline = time.monotonic() + _LIMIT_SEC
        while time.monotonic() < deadline:
            message = self.receive(socket_name)
            if message["type"] in ("ok", "error"):
                assert message["parent"] == identifier, message
                return message
            {"progress": self.progress, "notice": self.notices}.get(message["type"], self.heartbeats).append(message)
        raise TimeoutError(identifier)

    def ask(self, kind: str, body: dict[str, Any] | None = None, socket_name: str = "work") -> dict[str, Any]:
        return self.answer(self.send(kind, body, socket_name), socket_name)

    def ok(self, kind: str, body: dict[str, Any] | None = None, socket_name: str = "work") -> dict[str, Any]:
        message = self.ask(kind, body, socket_name)
        assert message["type"] == "ok", message
        result: dict[str, Any] = message["body"]
        return result

    def error(self, kind: str, body: dict[str, Any] | None = None, socket_name: str = "work") -> dict[str, Any]:
        message = self.ask(kind, body, socket_name)
        assert message["type"] == "error", message
        result: dict[str, Any] = message["body"]
        return result

    def beats_before_answer(self, identifier: str, most: int | None = None) -> list[dict[str, Any]]:
        """Returns the bodies of the heartbeats before the next message on the work socket, ``most`` at most.

        That message, if it has come, stays on the socket for ``answer``.
        """
        beats: list[dict[str, Any]] = []
        deadline = time.monotonic() + _LIMIT_SEC
        while len(beats) != most and time.monotonic() < deadline:
            ready = dict(self._poller.poll(100))
            # Heartbeats first: if both sockets have a message, the answer did not come before the heartbeat.
            if self._control in ready:
                message = self.receive("control")
                assert message["type"] == "heartbeat", message
                beats.append(message["body"])
            elif self._work in ready:
                return beats
        assert len(beats) == most, f"no answer to {identifier}"
        return beats

    def await_progress(self, phase: str) -> dict[str, Any]:
        while True:
            message = self.receive()
            assert message["type"] == "progress", message
            if message["body"]["phase"] == phase:
                return message

    def forget(self) -> None:
        """Drops the messages kept so far."""
        for kept in (self.heartbeats, self.progress, self.notices):
            kept.clear()

    def close(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(20)
        self._work.close()
        self._control.close()
        self._context.term()
