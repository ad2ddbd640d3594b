"""Kills the processes that a trial process forked and left behind when it ended, so that their memory is freed too."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

psutil: Any
try:
    import psutil
except ImportError:
    # The trial process reports the missing package, and without it forks nothing that could be left behind.
    psutil = None


def end_stragglers(known_pids: frozenset[int]) -> bool:
    """Kills all descendants of this process except ``known_pids``; returns whether any is left. Repeat until none is.

    On Linux, orphans become children of the supervisor (``adopt_orphans``); elsewhere, they are found by process group.
    """
    is_any_left = False
    for pid in _family() - known_pids:
        if _is_reaped(pid):
            continue
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            is_any_left = is_any_left or not _is_zombie(pid)
    return is_any_left


def kill_family() -> None:
    """Sends SIGKILL to all descendants of this process, including those that left its process group."""
    for pid in _family():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _family() -> set[int]:
    own = os.getpid()
    if psutil is None:
        return set()
    pids = {process.pid for process in psutil.Process(own).children(recursive=True)}
    if os.getpgrp() == own:
        pids.update(pid for pid in psutil.pids() if _group_of(pid) == own)
    return pids - {own}


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _is_reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _is_zombie(pid: int) -> bool:
    """Whether it is a zombie, or gone: its memory is freed, and only its parent can remove a zombie."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True
