"""What the supervisor does when its controller is gone."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from falcon_exp.worker.supervisor.stragglers import kill_family

#: The controller starts the worker in a folder with this prefix, made for its sockets (src/worker/runtime-dir.ts).
RUNTIME_FOLDER_PREFIX = "falcon-exp-"
_MOST_REMOVALS = 100


def is_running(pid: int) -> bool:
    """Whether a process with this id is running, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_group() -> None:
    """Ends all processes of this worker and removes the folder of its sockets, because the controller is gone."""
    folder = Path.cwd()
    kill_family()
    if folder.name.startswith(RUNTIME_FOLDER_PREFIX):
        # Another thread of this process may still put something into it.
        for _ in range(_MOST_REMOVALS):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
