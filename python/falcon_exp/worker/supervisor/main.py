"""Arguments, signals and ending of the supervisor process."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

from falcon_exp.worker.supervisor.controller_end import end_group
from falcon_exp.worker.supervisor.launcher import Launcher
from falcon_exp.worker.supervisor.parent_watch import adopt_orphans, announce_parent, signal_at_parents_end

_TERMINATED = 128 + signal.SIGTERM
_LOOK_SEC = 0.2


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)


def _end_with_parent_until(has_loop: threading.Event) -> None:
    """Ends all processes of this worker when its parent ends, until the loop runs, which sees that by itself.

    The imports before the loop take seconds on a busy machine.
    """
    parent_pid = os.getppid()

    def watch() -> None:
        while not has_loop.wait(_LOOK_SEC):
            if os.getppid() != parent_pid:
                end_group()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def main() -> int:
    """Runs until shutdown (0) or SIGTERM (143); the end of the controller kills it."""
    parser = argparse.ArgumentParser(prog="falcon_exp.worker", description="The worker of falcon-exp; run by it.")
    parser.add_argument("--work", required=True, help="endpoint of the work socket")
    parser.add_argument("--control", required=True, help="endpoint of the control socket")
    parser.add_argument("--parent-pid", required=True, type=int, help="process id of the controller")
    parser.add_argument("--curve", action="store_true", help="read CURVE keys, one line of JSON, from stdin first")
    arguments = parser.parse_args()
    # Ctrl-C is the controller's business: it decides what becomes of the work under way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)
    # A supervisor that somebody stopped cannot see the controller end: the signal wakes it up so that it does.
    signal_at_parents_end(signal.SIGCONT)
    has_loop = threading.Event()
    _end_with_parent_until(has_loop)
    adopt_orphans()
    announce_parent()
    # The forkserver's socket goes beside the worker's own, so that there is only one folder to make, to remove, and to
    # keep short enough for a socket's path.
    tempfile.tempdir = str(Path.cwd())
    # Started before this process imports what it needs itself: the forkserver's imports take seconds, on another core.
    launcher = Launcher()
    launcher.begin_imports()
    from falcon_exp.worker.supervisor.sockets import Sockets
    from falcon_exp.worker.supervisor.supervisor import Supervisor
    from falcon_exp.worker.supervisor.zmq_keys import read_keys

    try:
        keys = read_keys(sys.stdin.fileno()) if arguments.curve else None
        sockets = Sockets({"work": arguments.work, "control": arguments.control}, keys)
    except ValueError as error:
        parser.error(str(error))
    supervisor = Supervisor(sockets, launcher, controller_pid=arguments.parent_pid)
    has_loop.set()
    try:
        supervisor.run()
    finally:
        supervisor.end()
    return 0
