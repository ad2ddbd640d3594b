"""The supervisor: owns the sockets, the heartbeat and the trial process, and never computes (docs/worker.md).

States of the work socket: idle ─request─▶ open ─ok or error─▶ idle. Beside it, a trial process or none.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass
from typing import Any

import zmq

from falcon_exp import __version__
from falcon_exp.worker.supervisor.controller_end import end_group, is_running
from falcon_exp.worker.supervisor.exit_reason import ExitReasons
from falcon_exp.worker.supervisor.launcher import UNTOLD_EXIT_CODE, Child, Exit, Launch, Launcher
from falcon_exp.worker.supervisor.sockets import SocketName, Sockets
from falcon_exp.worker.trial import child_main
from falcon_exp.worker.wire import Message, WireError, decode_controller_message, request_id_of

HEARTBEAT_SEC = 1.0
#: How long a trial process may take to end by itself after it answered `unload`.
UNLOAD_GRACE_SEC = 3.0

#: From the closing of its pipes to the end of a forkserver that was killed.
FORKSERVER_END_SEC = 1.0

#: Phase of each request, for failures; `generate` names its own.
_PHASES = {
    "start": "start",
    "load": "load",
    "check_prompt": "load",
    "profile": "profile",
    "quality": "quality",
    "lm_eval": "quality",
    "unload": "unload",
}

#: Requests that a loaded trial process serves, and outlives where they fail.
_WITH_A_MODEL = ("check_prompt", "generate", "profile", "quality", "lm_eval")


@dataclass(frozen=True)
class Request:
    """The one request that is being worked on."""

    id: str
    type: str
    body: dict[str, Any]

    @property
    def phase(self) -> str:
        """As in failures."""
        return str(self.body["phase"]) if self.type == "generate" else _PHASES[self.type]


class Supervisor:
    """Serves one controller until shutdown, SIGTERM, or the controller's end."""

    def __init__(self, sockets: Sockets, launcher: Launcher, *, controller_pid: int, home: str) -> None:
        self._sockets = sockets
        self._launcher = launcher
        self._controller_pid = controller_pid
        self._home = home
        self._request: Request | None = None
        self._launch: Launch | None = None
        self._child: Child | None = None
        #: How the last trial process ended, where nobody asked it to.
        self._last_exit: Exit | None = None
        self._exit_reasons = ExitReasons()
        self._is_stopping = False

    def run(self) -> None:
        """Returns after `shutdown`."""
        hello = {"pid": os.getpid(), "worker_version": __version__, "python_version": platform.python_version()}
        self._sockets.send("control", "hello", None, hello)
        next_beat_sec = time.monotonic()
        stdin = sys.stdin.fileno()
        while not self._is_stopping:
            now = time.monotonic()
            if now >= next_beat_sec:
                next_beat_sec = now + HEARTBEAT_SEC
                self._beat()
            ready = self._wait(stdin, max(0.0, next_beat_sec - now))
            if stdin in ready and not os.read(stdin, 4096):
                end_group()
            self._serve(ready)

    def end(self) -> None:
        """Leaves no process behind."""
        if self._child is not None:
            self._child.kill()
            self._child = None
        self._sockets.close()

    # ---- the loop --------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if not is_running(self._controller_pid):
            end_group()
        self._sockets.send(
            "control", "heartbeat", None, {"trial_pid": None if self._child is None else self._child.pid}
        )

    def _wait(self, stdin: int, timeout_sec: float) -> set[Any]:
        poller = zmq.Poller()
        for socket in self._sockets.sockets.values():
            poller.register(socket, zmq.POLLIN)
        descriptors = [stdin, self._launcher.wake_fd]
        if self._child is not None:
            descriptors += [self._child.connection.fileno(), self._child.sentinel]
        for descriptor in descriptors:
            poller.register(descriptor, zmq.POLLIN)
        return {source for source, _ in poller.poll(round(timeout_sec * 1000))}

    def _serve(self, ready: set[Any]) -> None:
        if self._launcher.wake_fd in ready:
            self._on_launched(self._launcher.finished())
        child = self._child
        if child is not None:
            if child.connection.fileno() in ready:
                self._on_child_message(child)
            elif child.sentinel in ready:
                self._on_child_end(child)
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
            self._sockets.send(socket_name, "error", parent, _error("message-invalid", str(error), None))
            return
        if socket_name == "control":
            self._on_control(message)
        else:
            self._on_request(message)

    # ---- the control socket ----------------------------------------------------------------------------------------

    def _on_control(self, message: Message) -> None:
        kind = message["type"]
        if kind not in ("ping", "cancel", "shutdown"):
            text = f"{kind} belongs on the work socket"
            self._sockets.send("control", "error", message["id"], _error("message-invalid", text, None))
            return
        if kind == "cancel" and self._request is not None and self._request.id == message["body"]["target"]:
            self._cancel(self._request)
        self._sockets.send("control", "ok", message["id"], {"request": kind})
        self._is_stopping = kind == "shutdown"

    def _cancel(self, request: Request) -> None:
        if self._launch is not None:
            self._launch.is_abandoned = True
            self._launch = None
        exit_ = self._end_child()
        self._fail(request.phase, "cancelled", "Cancelled as asked.", exit_)

    # ---- the work socket -------------------------------------------------------------------------------------------

    def _on_request(self, message: Message) -> None:
        kind = message["type"]
        if kind not in ("start", "load", *_WITH_A_MODEL, "unload"):
            text = f"{kind} belongs on the control socket"
            self._sockets.send("work", "error", message["id"], _error("message-invalid", text, None))
            return
        if self._request is not None:
            text = f"{self._request.type} is still being worked on: one request at a time"
            self._sockets.send("work", "error", message["id"], _error("message-invalid", text, None))
            return
        self._request = Request(message["id"], kind, message["body"])
        if kind in ("start", "load"):
            self._begin_child(self._request)
        elif self._child is not None:
            self._child.send(kind, message["body"])
        elif kind == "unload":
            self._succeed({"proof_after": None})
        elif self._last_exit is not None:
            self._fail(self._request.phase, *self._exit_reasons.explain(self._last_exit), self._last_exit)
        else:
            self._fail(self._request.phase, "no-trial-process", "No configuration is loaded.")

    def _begin_child(self, request: Request) -> None:
        if self._child is not None:
            self._fail(request.phase, "worker-exception", "A configuration is still loaded: unload it first.")
            return
        self._last_exit = None
        self._exit_reasons.begin()
        if request.type == "start":
            self._launch = self._launcher.launch(child_main.probe)
        else:
            self._launch = self._launcher.launch(child_main.trial, self._home)

    # ---- the trial process -----------------------------------------------------------------------------------------

    def _on_launched(self, launch: Launch) -> None:
        if launch.is_abandoned:
            if launch.child is not None:
                launch.child.kill()
            return
        self._launch = None
        request = self._request
        assert request is not None
        if launch.child is None:
            self._on_launch_failure(request, launch)
            return
        self._child = launch.child
        if request.type == "load":
            self._child.send("load", request.body)

    def _on_launch_failure(self, request: Request, launch: Launch) -> None:
        exit_ = self._launcher.forkserver_exit(FORKSERVER_END_SEC)
        if exit_ is not None:
            self._fail(request.phase, *self._exit_reasons.explain(exit_, "forkserver"), exit_)
            return
        text = f"No process could be forked: {type(launch.failure).__name__}: {launch.failure}"
        self._fail(request.phase, "worker-exception", text)

    def _on_child_message(self, child: Child) -> None:
        try:
            kind, body = child.connection.recv()
        except (EOFError, OSError):
            self._on_child_end(child)
            return
        request = self._request
        if request is None:
            return
        try:
            if kind in ("progress", "notice"):
                self._sockets.send("work", kind, request.id, body)
            elif kind == "ok":
                self._on_child_ok(request, child, body)
            else:
                self._on_child_error(request, body)
        except WireError as error:
            self._end_child()
            self._fail(request.phase, "worker-exception", f"The trial process said what no message can say: {error}")

    def _on_child_ok(self, request: Request, child: Child, body: dict[str, Any]) -> None:
        if request.type in ("start", "unload"):
            child.exit(UNLOAD_GRACE_SEC)
            self._end_child()
        self._succeed({"trial_pid": child.pid, **body} if request.type == "load" else body)

    def _on_child_error(self, request: Request, body: dict[str, Any]) -> None:
        # A failed load leaves memory in an unknown state: the next one starts in a fresh process.
        if request.type not in _WITH_A_MODEL:
            self._end_child()
        self._sockets.send("work", "error", request.id, body)
        self._request = None

    def _on_child_end(self, child: Child) -> None:
        exit_ = child.exit(5) or child.kill() or Exit(None, "unknown")
        self._end_child()
        # The forkserver's children end with it, and nobody is left who could tell how.
        is_untold = exit_.code == UNTOLD_EXIT_CODE
        forkserver_exit = self._launcher.forkserver_exit(FORKSERVER_END_SEC) if is_untold else None
        if self._request is None:
            self._last_exit = forkserver_exit or exit_
        elif forkserver_exit is not None:
            self._fail(self._request.phase, *self._exit_reasons.explain(forkserver_exit, "forkserver"), forkserver_exit)
        else:
            self._fail(self._request.phase, *self._exit_reasons.explain(exit_), exit_)

    def _end_child(self) -> Exit | None:
        child, self._child = self._child, None
        return None if child is None else child.kill()

    # ---- answers ---------------------------------------------------------------------------------------------------

    def _succeed(self, body: dict[str, Any]) -> None:
        assert self._request is not None
        request = self._request
        self._sockets.send("work", "ok", request.id, {"request": request.type, **body})
        self._request = None

    def _fail(self, phase: str, code: str, message: str, exit_: Exit | None = None) -> None:
        assert self._request is not None
        request, self._request = self._request, None
        self._sockets.send("work", "error", request.id, _error(code, message, phase, exit_))


def _error(code: str, message: str, phase: str | None, exit_: Exit | None = None) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "phase": phase,
        "traceback": None,
        "exit_code": None if exit_ is None else exit_.code,
        "signal": None if exit_ is None else exit_.signal,
    }
