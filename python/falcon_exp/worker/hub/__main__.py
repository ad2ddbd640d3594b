"""``python -m falcon_exp.worker.hub``: fetches one model or adapter for a trial process.

Runs in a process of its own, because what a download leaves behind (buffers, connections, threads) would otherwise be
part of the measured memory. The request is one line of JSON on stdin, ``{"repo", "revision", "is_adapter", "with_code",
"code_of"}``: ``repo`` is null if only the repositories in ``code_of`` are wanted. stdout has one JSON object per line:
any number of ``{"event": "progress", "received_bytes", "total_bytes"}``, then one ``{"event": "done", "folder",
"commit", "notice"}`` or ``{"event": "error", "code", "message"}``. End of file on stdin means that nobody is waiting.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import traceback
from typing import Any

from falcon_exp.worker.failures import classify
from falcon_exp.worker.helper_process import say
from falcon_exp.worker.hub.snapshot import Snapshot, as_unreachable, fetch_code, fetch_snapshot, remove_partial_files
from falcon_exp.worker.wire_types import ErrorCode


def _end_with_parent() -> None:
    sys.stdin.read()
    remove_partial_files()
    os._exit(1)


def _fetch(request: dict[str, Any]) -> Snapshot | None:
    snapshot = None
    if request["repo"] is not None:
        snapshot = fetch_snapshot(
            request["repo"],
            request["revision"],
            with_code=request["with_code"],
            is_adapter=request["is_adapter"],
            on_progress=lambda received, total: say("progress", received_bytes=received, total_bytes=total),
        )
    for repo in request["code_of"]:
        fetch_code(repo)
    return snapshot


def describe_failure(error: Exception) -> tuple[ErrorCode, str]:
    """(code, message) of the error that ended a download."""
    # Of the two ways to download, one raises OSError and the other a RuntimeError that repeats its words.
    if os.strerror(errno.ENOSPC) in str(error):
        return "download-disk-full", f"No space left for the hub's cache: {error}"
    return classify(as_unreachable(error) or error, "load")


def main() -> int:
    """Returns 0 after ``done``, 1 after an ``error``."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    try:
        snapshot = _fetch(request)
    except Exception as error:
        code, message = describe_failure(error)
        if code == "worker-exception":
            traceback.print_exception(error)
        say("error", code=code, message=message)
        return 1
    if snapshot is None:
        say("done", folder=None, commit=None, notice=None)
    else:
        say("done", folder=str(snapshot.folder), commit=snapshot.commit, notice=snapshot.notice)
    return 0


if __name__ == "__main__":
    sys.exit(main())
