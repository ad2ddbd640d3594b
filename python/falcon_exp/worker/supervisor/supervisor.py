"""The supervisor: owns the sockets, the heartbeat and the trial process; never computes, never waits (docs/worker.md).

States of the work socket: idle ─request─▶ open ─ok or error─▶ idle. States of the trial process, of which there is one
at most: none ─launch─▶ launching ─▶ serving ─▶ ending ─▶ none. A request that ends a process is answered only when the
process is gone.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import Any

import zmq

from falcon_exp import __version__
from falcon_exp.worker.supervisor.controller_end import end_group, is_running
from falcon_exp.worker.supervisor.launcher import Launcher
from falcon_exp.worker.supervisor.open_work import OpenWork
from falcon_exp.worker.supervisor.request import WORK, Request, error_body
from falcon_exp.worker.supervisor.sockets import SocketName, Sockets
from falcon_exp.worker.supervisor.trial_keeper import TrialKeeper
from falcon_exp.worker.wire import Message, WireError, decode_controller_message, request_id_of

HEARTBEAT_SEC = 1.0
#: Interval at which a process that is ending is checked.
_LOOK_SEC = 0.02


class Supervisor:
    """Serves one controller until shutdown, SIGTERM, or the controller's end."""

    def __init__(self, sockets: Sockets, launcher: Launcher, *, controller_pid: int) -> None:
        self._sockets = sockets
        self._launcher = launcher
        self._controller_pid = controller_pid
        self._work = OpenWork(sockets)
        self._trials = TrialKeeper(launcher, self._work)
        self._is_stopping = False
        self._is_heartbeat_checked = False

    def run(self) -> None:
        """Serves the controller; returns after `shutdown`."""
        hello = {"pid": os.getpid(), "worker_version": __version__, "python_version": platform.python_version()}
        self._sockets.send("control", "hello", None, hello)
        next_beat_sec = time.monotonic()
        stdin = sys.stdin.fileno()
        while not self._is_stopping:
            now = time.monotonic()
            if now >= next_beat_sec:
                next_beat_sec = now + HEARTBEAT_SEC
                self._beat()
            until_beat_sec = max(0.0, next_beat_sec - now)
            ready = self._wait(stdin, min(until_beat_sec, _LOOK_SEC) if self._trials.is_ending else until_beat_sec)
            if stdin in ready and not os.read(stdin, 4096):
                end_group()
            self._serve(ready)

    def end(self) -> None:
        """Leaves no process behind."""
        self._trials.end()
        self._sockets.close()

    # ---- the loop --------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if not is_running(self._controller_pid):
            end_group()
        # They come during trials, and checking one takes several milliseconds once its code has left the caches.
        self._sockets.send(
            "control", "heartbeat", None, {"trial_pid": self._trials.pid}, is_known=self._is_heartbeat_checked
        )
        self._is_heartbeat_checked = True
        self._trials.look()

    def _wait(self, stdin: int, timeout_sec: float) -> set[Any]:
        poller = zmq.Poller()
        for socket in self._sockets.sockets.values():
            poller.register(socket, zmq.POLLIN)
        for descriptor in (stdin, self._launcher.wake_fd, *self._trials.descriptors):
            poller.register(descriptor, zmq.POLLIN)
        return {source for source, _ in poller.poll(round(timeout_sec * 1000))}

    def _serve(self, ready: set[Any]) -> None:
        if self._launcher.wake_fd in ready:
            self._trials.on_launched(self._launcher.finished())
        self._trials.serve(ready)
        sockets: tuple[SocketName, ...] = ("control", "work")
        for socket_name in sockets:
            if self._sockets.sockets[socket_name] in ready:
                self._on_frame(socket_name)

    def _on_frame(self, socket_name: SocketName) -> None:
        frame = None
        try:
            frame = self._sockets.receive(socket_name)
            if frame is None:
                return
            message = decode_controller_message(frame)
        except WireError as error:
            parent = None if frame is None else request_id_of(frame)
            self._sockets.send(socket_name, "error", parent, error_body("message-invalid", str(error), None))
            return
        if socket_name == "control":
            self._on_control(message)
        else:
            self._on_request(message)

    def _on_control(self, message: Message) -> None:
        kind = message["type"]
        if kind not in ("ping", "cancel", "shutdown"):
            self._refuse("control", message, f"{kind} belongs on the work socket")
            return
        request = self._work.request
        if kind == "cancel" and request is not None and request.id == message["body"]["target"]:
            self._trials.cancel()
        self._sockets.send("control", "ok", message["id"], {"request": kind})
        self._is_stopping = kind == "shutdown"

    def _on_request(self, message: Message) -> None:
        kind = message["type"]
        if kind not in WORK:
            self._refuse("work", message, f"{kind} belongs on the control socket")
            return
        if self._work.request is not None:
            text = f"{self._work.request.type} is still being worked on: one request at a time"
            self._refuse("work", message, text)
            return
        request = Request(message["id"], kind, message["body"])
        self._work.open(request)
        self._trials.ask(request)

    def _refuse(self, socket_name: SocketName, message: Message, text: str) -> None:
        self._sockets.send(socket_name, "error", message["id"], error_body("message-invalid", text, None))
