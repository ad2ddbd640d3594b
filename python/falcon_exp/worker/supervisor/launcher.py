"""Forks processes that already hold torch, transformers and bitsandbytes, without ever blocking the supervisor."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

#: multiprocessing's exit code of a process whose forkserver could not tell it any more.
UNTOLD_EXIT_CODE = 255


@dataclass(frozen=True)
class Exit:
    """How a process ended; exactly one of the two is not None."""

    code: int | None
    signal: str | None

    def __str__(self) -> str:
        return f"exit code {self.code}" if self.signal is None else f"killed by {self.signal}"


class Child:
    """A forked process and the pipe to it."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self._process = process
        self.connection = connection

    @property
    def pid(self) -> int:
        """Process id; stays known after its end."""
        return int(self._process.pid or 0)

    @property
    def sentinel(self) -> int:
        """A file descriptor that is readable once the process has ended."""
        return self._process.sentinel

    def send(self, command: str, body: dict[str, Any]) -> bool:
        """Says False where the process is gone."""
        try:
            self.connection.send((command, body))
        except OSError:
            return False
        return True

    def exit(self, timeout_sec: float) -> Exit | None:
        """How it ended, None where it has not within the time."""
        self._process.join(timeout_sec)
        code = self._process.exitcode
        if code is None:
            return None
        return Exit(code, None) if code >= 0 else Exit(None, _signal_name(-code))

    def kill(self) -> Exit | None:
        """SIGKILL, waits for the end, closes the pipe."""
        if self._process.is_alive():
            self._process.kill()
        ended = self.exit(5)
        self.connection.close()
        return ended


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@dataclass
class Launch:
    """One process on its way; ``child`` or ``failure`` is set when it comes out of ``Launcher.finished``."""

    target: Callable[..., None]
    arguments: tuple[Any, ...]
    child: Child | None = None
    failure: BaseException | None = None
    #: Nobody waits for it any more: kill it on arrival.
    is_abandoned: bool = False


class Launcher:
    """Starts processes one after the other in a thread: the first start waits for the forkserver's imports."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["falcon_exp.worker.trial.preload"])
        self._wanted: queue.SimpleQueue[Launch] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[Launch] = queue.SimpleQueue()
        #: Readable when ``finished`` has something.
        self.wake_fd, self._wake_write_fd = os.pipe()
        threading.Thread(target=self._run, name="launcher", daemon=True).start()

    def launch(self, target: Callable[..., None], *arguments: Any) -> Launch:
        """Begins to start ``target(connection, *arguments)`` in a process of its own."""
        launch = Launch(target, arguments)
        self._wanted.put(launch)
        return launch

    def finished(self) -> Launch:
        """The next launch that has come to its end; call once each time ``wake_fd`` is readable."""
        os.read(self.wake_fd, 1)
        return self._ready.get()

    def forkserver_exit(self, within_sec: float) -> Exit | None:
        """How the forkserver ended, None where it lives; its pipes close a moment before the kernel says so."""
        deadline = time.monotonic() + within_sec
        while (ended := self._forkserver_exit()) is None and time.monotonic() < deadline:
            time.sleep(0.005)
        return ended

    @staticmethod
    def _forkserver_exit() -> Exit | None:
        pid = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
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
        return Exit(None, _signal_name(ended.si_status))

    def _run(self) -> None:
        while True:
            launch = self._wanted.get()
            try:
                launch.child = self._start(launch)
            except BaseException as error:
                launch.failure = error
            self._ready.put(launch)
            os.write(self._wake_write_fd, b".")

    def _start(self, launch: Launch) -> Child:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=launch.target, args=(theirs, *launch.arguments), daemon=True)
        try:
            process.start()
        finally:
            # With our copy open, the end of the process would not show as end of file.
            theirs.close()
        return Child(process, ours)
