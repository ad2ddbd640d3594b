"""Where forked and spawned processes start. Imports nothing heavy, because the supervisor imports this file too."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any

from falcon_exp.worker.wire_types import ErrorCode


def _preload_failure() -> dict[str, Any] | None:
    from falcon_exp.worker.failures import traceback_of
    from falcon_exp.worker.trial import preload

    if preload.failure is None:
        return None
    error = preload.failure
    return _start_failure("import-failed", f"{type(error).__name__}: {error}", traceback_of(error))


def _finish_imports() -> dict[str, Any] | None:
    """Imports whatever may start a driver, before any clock runs; returns the error's body if that fails."""
    from falcon_exp.worker.failures import error_body
    from falcon_exp.worker.trial import preload

    try:
        preload.finish_imports()
    except Exception as error:
        body = error_body(error, "load")
        # A device that is busy, full or lost has its own error code.
        return body if body["code"] != "worker-exception" else {**body, "code": "import-failed"}
    return None


def _wrong_versions() -> dict[str, Any] | None:
    """Returns the error's body; checked before failed imports, of which wrong versions are the usual cause."""
    from falcon_exp.worker.requirements import installed, problems

    found = problems(installed())
    if not found:
        return None
    texts = [f"{one['package']} {one['found'] or 'is missing'}, needed {one['wanted']}" for one in found]
    return _start_failure("library-unsupported", "; ".join(texts), None)


def _start_failure(code: ErrorCode, message: str, traceback: str | None) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "phase": "start",
        "traceback": traceback,
        "exit_code": None,
        "signal": None,
    }


def _says_respawn(connection: Connection, *, is_forked: bool) -> bool:
    """Whether this process cannot use the devices because it was forked; if so, sends ``respawn`` and nothing else."""
    if not is_forked:
        return False
    from falcon_exp.worker.trial.preload import find_fork_problem

    reason = find_fork_problem()
    if reason is None:
        return False
    connection.send(("respawn", reason))
    return True


def probe(connection: Connection, is_forked: bool) -> None:
    """Sends ``("ok", environment)``, ``("error", body)`` or ``("respawn", reason)``, and ends."""
    from falcon_exp.worker.failures import error_body
    from falcon_exp.worker.supervisor.parent_watch import end_with_parent

    end_with_parent()
    failure = _wrong_versions() or _preload_failure()
    if failure is not None:
        connection.send(("error", failure))
        return
    if _says_respawn(connection, is_forked=is_forked):
        return
    try:
        from falcon_exp.worker.devices.devices import Devices
        from falcon_exp.worker.environment import capture_environment

        answer: tuple[str, dict[str, Any]] = ("ok", {"environment": capture_environment(Devices.open())})
    except Exception as error:
        answer = ("error", error_body(error, "start"))
    connection.send(answer)


def trial(connection: Connection, is_forked: bool) -> None:
    """Serves one configuration's commands until ``unload`` or the end of the connection.

    If it was forked and cannot use the devices, it sends ``("respawn", reason)`` instead, and ends.
    """
    import faulthandler

    from falcon_exp.worker.supervisor.parent_watch import end_forks_with_this, end_with_parent

    end_with_parent()
    end_forks_with_this()
    # If a library's native code crashes, its Python callers are the last lines on stderr.
    faulthandler.enable(all_threads=False)
    failure = _preload_failure()
    if failure is None:
        if _says_respawn(connection, is_forked=is_forked):
            return
        failure = _finish_imports()
    if failure is not None:
        connection.send(("error", failure))
        return
    from falcon_exp.worker.trial.trial import TrialProcess

    TrialProcess(connection).serve()
