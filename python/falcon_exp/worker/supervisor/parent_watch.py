"""Makes sure that no process of the worker outlives its parent, however that ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading

_PARENT_PID = "FALCON_EXP_PARENT_PID"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def signal_at_parents_end(number: signal.Signals) -> None:
    """Has the kernel send this process a signal when its parent ends; does nothing except on Linux."""
    _prctl(_PR_SET_PDEATHSIG, int(number))


def announce_parent() -> None:
    """Tells the processes that this one starts which process is their parent (``end_with_announced_parent``)."""
    os.environ[_PARENT_PID] = str(os.getpid())


def end_with_announced_parent() -> None:
    """Has the kernel end this process with its parent; ends it now if the parent that was announced is already gone.

    The kernel signals only ends that come after it was asked. What this process starts is not told of that parent.
    """
    signal_at_parents_end(signal.SIGKILL)
    announced = os.environ.pop(_PARENT_PID, None)
    if announced is not None and announced != str(os.getppid()):
        os._exit(1)


def adopt_orphans() -> None:
    """Makes this process the parent of whatever its descendants leave behind when they end; Linux only.

    Whoever ends a trial process can then find, end and reap what that one had forked.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def end_with_parent() -> None:
    """Ends this process, forked or spawned, with its parent: by the kernel on Linux, by a waiting thread everywhere.

    The thread alone would not be enough: a computation that holds the GIL would keep it from running.
    """
    parent = multiprocessing.parent_process()
    signal_at_parents_end(signal.SIGKILL)
    if parent is None:
        return
    if not parent.is_alive():
        os._exit(1)
    threading.Thread(target=_wait_for_end, args=(parent.sentinel,), name="lifeline", daemon=True).start()


def end_forks_with_this() -> None:
    """Has the kernel end this process's forks, such as a library's pools, together with it; Linux only.

    Covers only forks of the main thread: the kernel would end those of other threads with their thread.
    """
    main = threading.main_thread()
    is_bound = False
    parent_pid = os.getpid()

    def before() -> None:
        nonlocal is_bound, parent_pid
        is_bound = threading.current_thread() is main
        parent_pid = os.getpid()

    def after_in_child() -> None:
        if not is_bound:
            return
        signal_at_parents_end(signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)

    os.register_at_fork(before=before, after_in_child=after_in_child)


def _wait_for_end(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
