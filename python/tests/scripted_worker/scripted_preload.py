"""Replaces the libraries that the forkserver preloads by nothing, or by a library that initializes a driver."""

from __future__ import annotations

import os

from falcon_exp.worker.supervisor.parent_watch import end_with_announced_parent

# As in the real module, because nothing else ends the forkserver together with the supervisor.
end_with_announced_parent()


def finish_imports() -> None:
    """Nothing is left to import."""


failure: BaseException | None = None
#: The process that holds the driver's context, which processes forked from it cannot use.
_driver_pid = os.getpid() if os.environ.get("FALCON_EXP_TEST_DRIVER") == "initialized-by-an-import" else None


def find_fork_problem() -> str | None:
    """Like the real function, returns the reason, or None."""
    if _driver_pid is None or _driver_pid == os.getpid():
        return None
    return "an import initialized the driver."
