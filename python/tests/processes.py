"""How tests look at processes from outside."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

import psutil

_DEADLINE_SEC = 30.0
_PTRACE_SEIZE = 0x4206


def await_gone(pid: int) -> None:
    """Waits until the process has ended, reaped or not, and all of its files are closed."""
    deadline = time.monotonic() + _DEADLINE_SEC
    # A process whose first thread has ended shows as a zombie while its other threads still hold its files open.
    while is_alive(pid) or len(_list_threads(pid)) > 1:
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether the process is running; a zombie is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _list_threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []


class Hold:
    """Hides the end of a process from its parent, like a driver that is slow to free a large context.

    The parent of a traced process sees its end only once the tracer, which is this process, has reaped it.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        if sys.platform != "linux":
            raise OSError("there is no such ptrace here")
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        if libc.ptrace(_PTRACE_SEIZE, pid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace is not permitted here")

    def let_go(self) -> None:
        """Waits for the process to end, which its parent then sees."""
        status = None
        while status is None or os.WIFSTOPPED(status):
            _, status = os.waitpid(self._pid, 0)
