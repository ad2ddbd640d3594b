"""Work in a process of its own, whose buffers and threads would else be part of the memory that is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TextIO

from falcon_exp.worker.failures import WorkerError

Event = dict[str, Any]


def say(event: str, *, stream: TextIO | None = None, **rest: Any) -> None:
    """Of the process that is asked: one event, on stdout."""
    stream = stream or sys.stdout
    stream.write(json.dumps({"event": event, **rest}) + "\n")
    stream.flush()


def ask_helper(
    module: str,
    request: dict[str, Any],
    on_event: Callable[[Event], None],
    *,
    no_answer: tuple[str, str],
    environment: dict[str, str] | None = None,
) -> Event:
    """Runs ``python -m module`` to its ``done`` and returns that; ``on_event`` gets what comes before.

    The request is one line of JSON on its stdin, its events are one each on its stdout. Raises WorkerError: what the
    process tells in an ``error``, or ``no_answer`` (code, what ended) where it ends without a word.
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
        # Stays open: its end tells the process that nobody waits any more.
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
    raise WorkerError(code, f"{what} ended without a word, exit code {process.returncode}.")
