"""``python -m falcon_exp.worker.fetch``: fetches once whatever an experiment's runs would ask a hub for.

The request is one line of JSON on stdin, ``{"models": [{"repo", "revision", "with_code"}], "adapters": [{"repo",
"revision"}], "code_of": [folders], "tasks": null or {"tasks", "include_path"}}``.
stdout has one JSON object per line: any number of ``{"event": "progress", "what", "detail"}`` and ``{"event":
"fetched", "what", "commit"}``, then one ``{"event": "done"}`` or ``{"event": "error", "code", "message"}``. Files that
were fetched completely stay, so that asking again continues where it stopped.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

from falcon_exp.worker.failures import WorkerError, classify
from falcon_exp.worker.helper_process import say
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION, as_unreachable
from falcon_exp.worker.trial.download import fetch_adapter, fetch_code_of, fetch_model
from falcon_exp.worker.wire_types import ErrorCode

#: The real stdout, kept for events: ``main`` sends what the libraries of tasks print to stderr.
_EVENTS = sys.stdout


def _say(event: str, **rest: Any) -> None:
    say(event, stream=_EVENTS, **rest)


def _report(what: str, detail: str, _tokens: int | None) -> None:
    _say("progress", what=what, detail=detail)


def fetch(request: dict[str, Any]) -> None:
    """Fetches what the request asks for.

    Raises WorkerError as ``fetch_model`` does, ``lm-eval-missing`` or ``lm-eval-task-unknown``.
    """
    for model in request["models"]:
        repo, revision = model["repo"], model["revision"] or DEFAULT_REVISION
        _say("progress", what=repo, detail=f"asking the hub for {revision}")
        fetched = fetch_model(repo, revision, with_code=model["with_code"], report=partial(_report, repo))
        _say("fetched", what=repo, commit=fetched.commit)
    for adapter in request["adapters"]:
        repo, revision = adapter["repo"], adapter["revision"] or DEFAULT_REVISION
        fetched = fetch_adapter(repo, revision, report=partial(_report, repo))
        _say("fetched", what=repo, commit=fetched.commit)
    for folder in request["code_of"]:
        fetch_code_of(Path(folder), partial(_report, folder))
    if request["tasks"] is not None:
        _fetch_tasks(request["tasks"])


def _fetch_tasks(asked: dict[str, Any]) -> None:
    """Loads the tasks, which downloads their data into the library's cache; runs find it there without a network."""
    from falcon_exp.worker.trial.lm_eval_tasks import open_tasks

    names = ", ".join(asked["tasks"])
    _say("progress", what=names, detail="the tasks' data")
    manager = open_tasks(asked["tasks"], asked["include_path"])
    try:
        manager.load(asked["tasks"])
    except Exception as error:
        code = _code_of_data(error)
        if code is None:
            raise
        text = str(error).strip().partition("\n")[0]
        raise WorkerError(code, f"The data of {names}: {type(error).__name__}: {text}") from error
    _say("fetched", what=names, commit=None)


def _code_of_data(error: Exception) -> ErrorCode | None:
    """Error code if the hub or the disk is at fault; None for any other cause, such as a task's file or its code."""
    if os.strerror(errno.ENOSPC) in str(error):
        return "download-disk-full"
    is_unknown = any(cls.__name__ == "DatasetNotFoundError" for cls in type(error).__mro__)
    # For models, a ValueError comes from a captive portal; here, a task's own code raises them.
    is_unreachable = not isinstance(error, ValueError) and as_unreachable(error) is not None
    if is_unknown or is_unreachable or classify(error, "load")[0] == "hub-unreachable":
        return "hub-unreachable"
    return None


def main() -> int:
    """Returns 0 after ``done``, 1 after an ``error``."""
    request = json.loads(sys.stdin.readline())
    sys.stdout = sys.stderr
    try:
        fetch(request)
    except Exception as error:
        # A failure to fetch a model is a WorkerError already, from the process that fetched it.
        code, message = classify(error, "quality")
        if code == "worker-exception":
            traceback.print_exception(error)
        _say("error", code=code, message=message)
        return 1
    _say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
