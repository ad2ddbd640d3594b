"""The one trial process of a supervisor: started, asked and ended without ever waiting for it.

none ─launch─▶ launching ─▶ serving ─▶ ending ─▶ none. A request that ends a process (an unload, a cancel, a failed
load, an error after which the device cannot be used) is answered once the process is reaped and its memory is freed; a
request that comes in meanwhile waits for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from falcon_exp.worker.failures import CONTEXT_LOST
from falcon_exp.worker.supervisor.child import Child, Exit
from falcon_exp.worker.supervisor.ending import Ended, Ending, end_at_once
from falcon_exp.worker.supervisor.exit_reason import ExitReasons
from falcon_exp.worker.supervisor.launcher import Launch, Launcher
from falcon_exp.worker.supervisor.open_work import OpenWork
from falcon_exp.worker.supervisor.request import WITH_A_MODEL, Request
from falcon_exp.worker.trial import child_main
from falcon_exp.worker.wire import WireError
from falcon_exp.worker.wire_types import ErrorCode

_NOTHING_LOADED: tuple[ErrorCode, str, Exit | None] = ("no-trial-process", "No configuration is loaded.", None)


class TrialKeeper:
    """Answers requests through ``work``; the supervisor's loop calls ``serve`` at each turn."""

    def __init__(self, launcher: Launcher, work: OpenWork) -> None:
        self._launcher = launcher
        self._work = work
        self._reasons = ExitReasons()
        self._launch: Launch | None = None
        self._child: Child | None = None
        self._ending: Ending | None = None
        #: Processes that came up after the request for them had been cancelled; they hold no model.
        self._strays: list[Child] = []
        #: A request that came while a process was ending.
        self._waiting: Request | None = None
        #: What earlier processes found out that also holds for later ones: passed on, never read here.
        self._remembered: dict[str, Any] = {}
        #: The failure with which requests that need a model are answered if there is none.
        self._absence = _NOTHING_LOADED

    @property
    def pid(self) -> int | None:
        """Process id of the trial process, until it has ended."""
        child = self._child if self._ending is None else self._ending.child
        return None if child is None else child.pid

    @property
    def is_ending(self) -> bool:
        """Whether a process has to be checked again soon."""
        return self._ending is not None or len(self._strays) > 0

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Readable when ``serve`` has something to do."""
        if self._ending is not None:
            return self._ending.descriptors
        return () if self._child is None else (self._child.connection.fileno(), self._child.sentinel)

    # ---- requests --------------------------------------------------------------------------------------------------

    def ask(self, request: Request) -> None:
        """Starts to work on the request that was opened."""
        if self._ending is None:
            self._begin(request)
        else:
            self._waiting = request

    def cancel(self) -> None:
        """Ends the process of the request under way, which is answered as cancelled when the process is gone."""
        if self._waiting is not None:
            self._waiting = None
        elif self._launch is not None:
            self._launch.is_abandoned = True
            self._launch = None
        elif self._ending is not None:
            self._ending.then = self._on_cancelled
            self._ending.hurry()
            return
        elif self._child is not None:
            self._end(self._on_cancelled, at_once=True)
            return
        self._work.fail("cancelled", "Cancelled as asked.")

    def _begin(self, request: Request) -> None:
        if request.type in ("start", "load"):
            if self._child is not None:
                self._work.fail("worker-exception", "A configuration is still loaded: unload it first.")
                return
            self._absence = _NOTHING_LOADED
            self._start(request)
        elif self._child is not None:
            self._child.send(request.type, request.body)
        elif request.type == "unload":
            # With this, the controller is done with the lost process as well.
            self._absence = _NOTHING_LOADED
            self._work.succeed({"proof_after": None})
        else:
            self._work.fail(*self._absence)

    # ---- the start of a process ------------------------------------------------------------------------------------

    def _start(self, request: Request) -> None:
        self._reasons.begin()
        if request.type == "start":
            self._launch = self._launcher.launch(child_main.probe)
        else:
            self._launch = self._launcher.launch(child_main.trial)

    def on_launched(self, launch: Launch) -> None:
        """Called when a process has started or failed to start."""
        if launch.is_abandoned:
            if launch.child is not None:
                launch.child.kill()
                self._strays.append(launch.child)
            return
        self._launch = None
        request = self._work.request
        assert request is not None
        if launch.child is not None:
            self._child = launch.child
            if request.type == "load":
                self._child.send("load", {**request.body, "remembered": self._remembered})
        elif launch.forkserver_exit is not None:
            ended = Ended(launch.forkserver_exit, "forkserver")
            self._work.fail(*self._reasons.explain(ended), ended.exit)
        else:
            text = f"No process could be started: {type(launch.failure).__name__}: {launch.failure}"
            self._work.fail("worker-exception", text)

    def _start_afresh(self, request: Request, reason: str) -> None:
        """Replaces a forked process, which cannot use the devices, by one that is not forked; nor are later ones."""
        self._launcher.stop_forking()
        text = f"Each configuration's process is started afresh instead of forked: {reason}"
        self._work.tell("notice", {"source": "falcon-exp", "text": text, "count": 1})
        self._start(request)

    # ---- a process that serves -------------------------------------------------------------------------------------

    def serve(self, ready: set[Any]) -> None:
        """Reads what the process says, sees its end, and carries on with what is ending."""
        child = self._child
        if child is not None:
            if child.connection.fileno() in ready:
                self._on_message(child)
            elif child.sentinel in ready:
                self._end(self._on_died)
        self._advance()

    def look(self) -> None:
        """Notices the end of a process whose descriptors are held open by something that it forked."""
        child = self._child
        if child is not None and child.poll_exit() is not None and not child.connection.poll(0):
            self._end(self._on_died)

    def _on_message(self, child: Child) -> None:
        try:
            kind, body = child.connection.recv()
        except (EOFError, OSError):
            self._end(self._on_died)
            return
        request = self._work.request
        if request is None:
            return
        try:
            if kind in ("progress", "notice"):
                self._work.tell(kind, body)
            elif kind == "ok":
                self._on_ok(request, child, body)
            elif kind == "respawn":
                self._on_poisoned(request, body)
            else:
                self._on_error(request, body)
        except WireError as error:
            failure = error
            self._end(lambda _: self._fail_for(failure), at_once=True)

    def _on_ok(self, request: Request, child: Child, body: dict[str, Any]) -> None:
        if request.type in ("start", "unload"):
            self._end(lambda _: self._work.succeed(body))
        elif request.type == "load":
            self._remembered = body.pop("remembered", self._remembered)
            self._work.succeed({"trial_pid": child.pid, **body})
        else:
            self._work.succeed(body)

    def _on_error(self, request: Request, body: dict[str, Any]) -> None:
        code, message = body["code"], body["message"]
        if code == "fork-poisoned" and request.type in ("start", "load"):
            self._on_poisoned(request, message)
        elif request.type in WITH_A_MODEL and code not in CONTEXT_LOST:
            self._work.pass_error(body)
        else:
            # A failed load leaves memory in an unknown state, and a lost context gives no reliable answers.
            self._absence = (code, f"The trial process was ended because of this: {message}", None)
            self._end(lambda _: self._fail_without_process(body), at_once=True)

    def _fail_without_process(self, body: dict[str, Any]) -> None:
        if body["code"] == "fork-poisoned":
            self._launcher.stop_forking()
        self._work.pass_error(body)

    def _on_poisoned(self, request: Request, reason: str) -> None:
        if self._launcher.is_forking:
            self._end(lambda _: self._start_afresh(request, reason))
        else:
            self._end(lambda _: self._work.fail("fork-poisoned", reason), at_once=True)

    # ---- the end of a process --------------------------------------------------------------------------------------

    def _end(self, then: Callable[[Ended], None], *, at_once: bool = False) -> None:
        assert self._child is not None
        child, self._child = self._child, None
        self._ending = Ending(child, self._launcher, time.monotonic(), then, at_once=at_once)

    def _advance(self) -> None:
        for child in [stray for stray in self._strays if stray.poll_exit() is not None]:
            child.close()
            self._strays.remove(child)
        ended = None if self._ending is None else self._ending.advance(time.monotonic())
        if self._ending is None or ended is None:
            return
        then, self._ending = self._ending.then, None
        try:
            then(ended)
        except WireError as error:
            self._fail_for(error)
        if self._waiting is not None:
            request, self._waiting = self._waiting, None
            self._begin(request)

    def _on_cancelled(self, ended: Ended) -> None:
        self._work.fail("cancelled", "Cancelled as asked.", ended.exit)

    def _on_died(self, ended: Ended) -> None:
        failure = (*self._reasons.explain(ended), ended.exit)
        if self._work.request is None or self._waiting is not None:
            self._absence = failure
        else:
            self._work.fail(*failure)

    def _fail_for(self, error: WireError) -> None:
        self._work.fail("worker-exception", f"The trial process sent something that does not fit the protocol: {error}")

    def end(self) -> None:
        """Kills whatever is there; no request is served after that."""
        end_at_once(self._child if self._ending is None else self._ending.child, self._launcher)
