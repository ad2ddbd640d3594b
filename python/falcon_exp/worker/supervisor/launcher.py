"""Starts processes without blocking the supervisor: forked from one that already has the libraries, or spawned."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any

from falcon_exp.worker.supervisor.child import Child, Exit, signal_name

#: How long a killed forkserver may take to end after its pipes are closed.
FORKSERVER_END_SEC = 1.0


@dataclass
class Launch:
    """A process that is being started; ``child`` or ``failure`` is set when ``Launcher.finished`` returns it."""

    target: Callable[..., None]
    arguments: tuple[Any, ...]
    child: Child | None = None
    failure: BaseException | None = None
    #: How the forkserver ended, if that is why the process could not be started.
    forkserver_exit: Exit | None = None
    #: Nobody is waiting for it any more: kill it on arrival.
    is_abandoned: bool = False


class Launcher:
    """Starts processes one after the other in a thread, because the first start waits for the forkserver's imports."""

    def __init__(self) -> None:
        self._context: ForkServerContext | SpawnContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["falcon_exp.worker.trial.preload"])
        #: None asks for the forkserver alone.
        self._wanted: queue.SimpleQueue[Launch | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[Launch] = queue.SimpleQueue()
        #: Readable when ``finished`` has something to return.
        self.wake_fd, self._wake_write_fd = os.pipe()
        threading.Thread(target=self._run, name="launcher", daemon=True).start()

    @property
    def is_forking(self) -> bool:
        """Whether processes begin as copies of one that already has the libraries."""
        return isinstance(self._context, ForkServerContext)

    def stop_forking(self) -> None:
        """Makes each process from the next launch on import the libraries itself. Call while no launch is under way."""
        self._context = multiprocessing.get_context("spawn")

    def begin_imports(self) -> None:
        """Starts the forkserver, if processes are to be forked from it, because its imports take seconds."""
        if self.is_forking:
            self._wanted.put(None)

    def launch(self, target: Callable[..., None], *arguments: Any) -> Launch:
        """Begins to start ``target(connection, is_forked, *arguments)`` in a process of its own."""
        launch = Launch(target, arguments)
        self._wanted.put(launch)
        return launch

    def finished(self) -> Launch:
        """The next launch that has succeeded or failed; call once each time ``wake_fd`` is readable."""
        os.read(self.wake_fd, 1)
        return self._ready.get()

    @staticmethod
    def helper_pids() -> frozenset[int]:
        """Processes that belong to no trial: the forkserver and multiprocessing's resource tracker."""
        tracker = getattr(getattr(resource_tracker, "_resource_tracker", None), "_pid", None)
        return frozenset(pid for pid in (_forkserver_pid(), tracker) if pid is not None)

    @staticmethod
    def forkserver_exit() -> Exit | None:
        """How the forkserver ended, None while it lives; its pipes close a moment before the kernel reports its end."""
        pid = _forkserver_pid()
        if pid is None:
            return None
        try:
            # Looks without reaping: the next launch reaps the forkserver and starts another one.
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return None
        if ended is None:
            return None
        if ended.si_code == os.CLD_EXITED:
            return Exit(ended.si_status, None)
        return Exit(None, signal_name(ended.si_status))

    def _run(self) -> None:
        while True:
            launch = self._wanted.get()
            if launch is None:
                # If something is wrong with it, the first launch meets the same error and reports it.
                with suppress(Exception):
                    forkserver.ensure_running()
                continue
            try:
                launch.child = self._start(launch)
            except BaseException as error:
                launch.failure = error
                launch.forkserver_exit = self._await_forkserver_exit() if self.is_forking else None
            self._ready.put(launch)
            os.write(self._wake_write_fd, b".")

    def _start(self, launch: Launch) -> Child:
        if not self.is_forking:
            _end_forkserver()
        ours, theirs = self._context.Pipe()
        # Not a daemon: multiprocessing allows those no children, and tasks of lm-evaluation-harness start some.
        process = self._context.Process(target=launch.target, args=(theirs, self.is_forking, *launch.arguments))
        try:
            process.start()
        finally:
            # With this copy open, the end of the process would not show as end of file.
            theirs.close()
        return Child(process, ours)

    def _await_forkserver_exit(self) -> Exit | None:
        deadline = time.monotonic() + FORKSERVER_END_SEC
        while (ended := self.forkserver_exit()) is None and time.monotonic() < deadline:
            time.sleep(0.005)
        return ended


def _forkserver_pid() -> int | None:
    pid: int | None = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
    return pid


def _end_forkserver() -> None:
    """Ends the forkserver, which is no longer needed: what it holds on a device would be missing for measurements."""
    pid = _forkserver_pid()
    stop = getattr(getattr(forkserver, "_forkserver", None), "_stop", None)
    if pid is None or stop is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        stop()
