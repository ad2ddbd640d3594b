"""What a trial process forked and left behind when it ended: killed, so that their memory is back as well."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

psutil: Any
try:
    import psutil
except ImportError:
    # A trial process says which package is missing, and without this one it forks nothing that could be left.
    psutil = None


def end_stragglers(known_pids: frozenset[int]) -> bool:
    """Kills every process below this one but ``known_pids``; says whether any is left. Call again until none is.

    On Linux orphans become children of the supervisor (``adopt_orphans``); elsewhere those of its process group count.
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
    """SIGKILL to every process below this one, those that left its process group included."""
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
    """Its memory is back, and only its parent can make it go."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True
