"""Ends a trial process step by step: the supervisor's loop checks on it and never waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from falcon_exp.worker.supervisor.child import UNTOLD_EXIT_CODE, Child, Exit
from falcon_exp.worker.supervisor.launcher import FORKSERVER_END_SEC, Launcher
from falcon_exp.worker.supervisor.stragglers import end_stragglers

#: How long it may take to end by itself before SIGTERM: a driver frees the context of a large model slowly.
SELF_END_SEC = 3.0
#: How long it may then take before SIGKILL. There is no harder step after that: its end is awaited as long as it takes.
TERMINATE_SEC = 2.0
#: After a shutdown, how long the end of a killed process is awaited: less than the controller waits for the supervisor.
SHUTDOWN_SEC = 1.5


class _State(Enum):
    LEAVING = auto()
    TERMINATED = auto()
    KILLED = auto()
    #: It has ended, and only the forkserver, which has ended as well, could have said how.
    UNTOLD = auto()
    #: It has ended, but processes that it forked have not.
    SWEEPING = auto()


@dataclass(frozen=True)
class Ended:
    """How it ended, and which process's end that was: a forkserver that ends takes its trial processes along."""

    exit: Exit
    whose: str = "trial process"


class Ending:
    """LEAVING ─3 s─▶ TERMINATED ─2 s─▶ KILLED; from each, once it is reaped, ─▶ (UNTOLD) ─▶ SWEEPING ─▶ over."""

    def __init__(
        self, child: Child, launcher: Launcher, now_sec: float, then: Callable[[Ended], None], *, at_once: bool
    ) -> None:
        self.child = child
        #: Called once it is over: nothing is answered before its memory is freed.
        self.then = then
        self._launcher = launcher
        self._state = _State.LEAVING
        self._deadline_sec = now_sec + SELF_END_SEC
        self._ended: Ended | None = None
        if at_once:
            self.hurry()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Readable when the process has ended; the steps after that have to be checked again and again."""
        return (self.child.sentinel,) if self._ended is None else ()

    def hurry(self) -> None:
        """Sends SIGKILL now, if the process has not ended yet."""
        if self._state in (_State.LEAVING, _State.TERMINATED):
            self._state = _State.KILLED
            self.child.kill()

    def advance(self, now_sec: float) -> Ended | None:
        """Takes the steps that are due; returns how it ended once nothing of it is left, None until then."""
        if self._state in (_State.LEAVING, _State.TERMINATED, _State.KILLED):
            exit_ = self.child.poll_exit()
            if exit_ is None:
                self._press(now_sec)
                return None
            self.child.close()
            self._ended = Ended(exit_)
            is_told = exit_.code != UNTOLD_EXIT_CODE or not self._launcher.is_forking
            self._state = _State.SWEEPING if is_told else _State.UNTOLD
            self._deadline_sec = now_sec + FORKSERVER_END_SEC
        if self._state is _State.UNTOLD:
            forkserver_exit = self._launcher.forkserver_exit()
            if forkserver_exit is None and now_sec < self._deadline_sec:
                return None
            if forkserver_exit is not None:
                self._ended = Ended(forkserver_exit, "forkserver")
            self._state = _State.SWEEPING
        return None if end_stragglers(self._launcher.helper_pids()) else self._ended

    def _press(self, now_sec: float) -> None:
        if now_sec < self._deadline_sec:
            return
        if self._state is _State.LEAVING:
            self._state = _State.TERMINATED
            self._deadline_sec = now_sec + TERMINATE_SEC
            self.child.terminate()
        elif self._state is _State.TERMINATED:
            self.hurry()


def end_at_once(child: Child | None, launcher: Launcher) -> None:
    """Kills a process after the loop is over; waits ``SHUTDOWN_SEC`` at most until nothing of it is left."""
    if child is not None:
        child.kill()
    deadline = time.monotonic() + SHUTDOWN_SEC
    while time.monotonic() < deadline:
        is_gone = child is None or child.poll_exit() is not None
        if is_gone and not end_stragglers(launcher.helper_pids()):
            return
        time.sleep(0.01)
