"""Starts processes without blocking the supervisor: forked from one that already holds the libraries, or afresh."""

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

#: From the closing of its pipes to the end of a forkserver that was killed.
FORKSERVER_END_SEC = 1.0


@dataclass
class Launch:
    """One process on its way; ``child`` or ``failure`` is set when it comes out of ``Launcher.finished``."""

    target: Callable[..., None]
    arguments: tuple[Any, ...]
    child: Child | None = None
    failure: BaseException | None = None
    #: How the forkserver ended, where that is why the process could not be started.
    forkserver_exit: Exit | None = None
    #: Nobody waits for it any more: kill it on arrival.
    is_abandoned: bool = False


class Launcher:
    """Starts processes one after the other in a thread: the first start waits for the forkserver's imports."""

    def __init__(self) -> None:
        self._context: ForkServerContext | SpawnContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["falcon_exp.worker.trial.preload"])
        #: None: the forkserver alone.
        self._wanted: queue.SimpleQueue[Launch | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[Launch] = queue.SimpleQueue()
        #: Readable when ``finished`` has something.
        self.wake_fd, self._wake_write_fd = os.pipe()
        threading.Thread(target=self._run, name="launcher", daemon=True).start()

    @property
    def is_forking(self) -> bool:
        """Whether processes begin as copies of one that holds the libraries."""
        return isinstance(self._context, ForkServerContext)

    def stop_forking(self) -> None:
        """From the next launch on each process imports the libraries by itself. Call while no launch is under way."""
        self._context = multiprocessing.get_context("spawn")

    def begin_imports(self) -> None:
        """Starts the forkserver, where processes are to be forked from it: its imports take seconds."""
        if self.is_forking:
            self._wanted.put(None)

    def launch(self, target: Callable[..., None], *arguments: Any) -> Launch:
        """Begins to start ``target(connection, is_forked, *arguments)`` in a process of its own."""
        launch = Launch(target, arguments)
        self._wanted.put(launch)
        return launch

    def finished(self) -> Launch:
        """The next launch that has come to its end; call once each time ``wake_fd`` is readable."""
        os.read(self.wake_fd, 1)
        return self._ready.get()

    @staticmethod
    def helper_pids() -> frozenset[int]:
        """Processes that are no trial's: the forkserver and multiprocessing's resource tracker."""
        tracker = getattr(getattr(resource_tracker, "_resource_tracker", None), "_pid", None)
        return frozenset(pid for pid in (_forkserver_pid(), tracker) if pid is not None)

    @staticmethod
    def forkserver_exit() -> Exit | None:
        """How the forkserver ended, None where it lives; its pipes close a moment before the kernel says so."""
        pid = _forkserver_pid()
        if pid is None:
            return None
        try:
            # Only looked at: the next launch collects it and starts another one.
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
                # What is wrong with it, the first launch meets again and tells.
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
        # No daemon: multiprocessing would let it have no children, and tasks of lm-evaluation-harness have some.
        process = self._context.Process(target=launch.target, args=(theirs, self.is_forking, *launch.arguments))
        try:
            process.start()
        finally:
            # With our copy open, the end of the process would not show as end of file.
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
    """Nothing is forked from it any more, and what it holds on a device is missing to those that are measured."""
    pid = _forkserver_pid()
    stop = getattr(getattr(forkserver, "_forkserver", None), "_stop", None)
    if pid is None or stop is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        stop()
