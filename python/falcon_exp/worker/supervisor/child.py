"""A trial process from the supervisor's side; nothing here waits."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

#: multiprocessing's exit code for a process if its forkserver could no longer report the real one.
UNTOLD_EXIT_CODE = 255


@dataclass(frozen=True)
class Exit:
    """How a process ended; exactly one of the two is not None."""

    code: int | None
    signal: str | None

    def __str__(self) -> str:
        return f"exit code {self.code}" if self.signal is None else f"killed by {self.signal}"


class Child:
    """A process and the pipe to it."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self._process = process
        self.connection = connection

    @property
    def pid(self) -> int:
        """Process id; still known after the process has ended."""
        return int(self._process.pid or 0)

    @property
    def sentinel(self) -> int:
        """A file descriptor that is readable once the process and everything it forked have ended."""
        return self._process.sentinel

    def send(self, command: str, body: dict[str, Any]) -> bool:
        """Sends a command; returns False if the process is gone."""
        try:
            self.connection.send((command, body))
        except OSError:
            return False
        return True

    def poll_exit(self) -> Exit | None:
        """How it ended; None until the kernel says that it has, and its memory is freed."""
        code = self._process.exitcode
        if code is None:
            return None
        # Removes it from multiprocessing's list of processes to wait for.
        self._process.join(0)
        return as_exit(code)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Sends SIGKILL."""
        self._process.kill()

    def close(self) -> None:
        """Closes the pipe."""
        self.connection.close()


def as_exit(code: int) -> Exit:
    """Converts multiprocessing's exit code."""
    return Exit(code, None) if code >= 0 else Exit(None, signal_name(-code))


def signal_name(number: int) -> str:
    """A signal's name, such as ``SIGKILL``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
