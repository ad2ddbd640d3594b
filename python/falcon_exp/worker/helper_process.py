"""Runs work in a process of its own, because its buffers and threads would otherwise be part of the measured memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TextIO

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.wire_types import ErrorCode

Event = dict[str, Any]


def say(event: str, *, stream: TextIO | None = None, **rest: Any) -> None:
    """Writes one event to stdout; used by the process that does the work."""
    stream = stream or sys.stdout
    stream.write(json.dumps({"event": event, **rest}) + "\n")
    stream.flush()


def ask_helper(
    module: str,
    request: dict[str, Any],
    on_event: Callable[[Event], None],
    *,
    no_answer: tuple[ErrorCode, str],
    environment: dict[str, str] | None = None,
) -> Event:
    """Runs ``python -m module`` until its ``done`` event and returns that; ``on_event`` gets the events before it.

    The request is one line of JSON on its stdin; its events are lines of JSON on its stdout. Raises WorkerError with
    what an ``error`` event says, or with ``no_answer`` (code, what ended) if the process ends without either event.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **(environment or {})},
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process was started without its pipes")
        # Stays open: end of file would tell the process that nobody is waiting any more.
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            event: Event = json.loads(line)
            if event["event"] == "error":
                raise WorkerError(event["code"], event["message"])
            if event["event"] == "done":
                return event
            on_event(event)
    code, what = no_answer
    raise WorkerError(code, f"{what} ended without an answer, exit code {process.returncode}.")
