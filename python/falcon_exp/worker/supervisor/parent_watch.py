"""No process of the worker outlives the one above it, however that one ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def signal_at_parents_end(number: signal.Signals) -> None:
    """Has the kernel send this process a signal when its parent ends; Linux only, elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def end_with_parent() -> None:
    """Binds this forked process to its parent: by the kernel on Linux, and by a waiting thread everywhere.

    The thread alone would not do: a computation that holds Python's lock would keep it from running.
    """
    parent = multiprocessing.parent_process()
    signal_at_parents_end(signal.SIGKILL)
    if parent is None:
        return
    if not parent.is_alive():
        os._exit(1)
    threading.Thread(target=_wait_for_end, args=(parent.sentinel,), name="lifeline", daemon=True).start()


def _wait_for_end(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
