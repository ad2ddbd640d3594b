"""``python -m falcon_exp.worker.prepared``: makes the folder that a trial process loads a model from.

The request is one line of JSON on stdin: ``{"kind": "merged-adapter", "base", "adapter", "trust_remote_code", "out"}``
or ``{"kind": "gguf", "file", "out"}``. stdout has one JSON object per line: any number of ``{"event": "step",
"text"}``, then one ``{"event": "done"}`` or ``{"event": "error", "code", "message"}``. The folder appears complete or
not at all. End of file on stdin means that nobody is waiting any more.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

from falcon_exp.worker.failures import classify
from falcon_exp.worker.helper_process import say
from falcon_exp.worker.prepared.expand_gguf import expand
from falcon_exp.worker.prepared.folder import MANIFEST
from falcon_exp.worker.prepared.merge_adapter import merge
from falcon_exp.worker.wire_types import ErrorCode


def _end_with_parent(scratch: Path) -> None:
    sys.stdin.read()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def _make(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    def step(text: str) -> None:
        say("step", text=text)

    if request["kind"] == "gguf":
        return expand(Path(request["file"]), scratch, step)
    trust = bool(request["trust_remote_code"])
    return merge(Path(request["base"]), Path(request["adapter"]), scratch, step, trust_remote_code=trust)


def _publish(scratch: Path, out: Path) -> None:
    """Puts the folder in its place; if another process has made the same one in the meantime, that one stays."""
    try:
        scratch.rename(out)
    except OSError:
        if not (out / MANIFEST).is_file():
            raise


def _describe_failure(error: Exception) -> tuple[ErrorCode, str]:
    code, message = classify(error, "load")
    if os.strerror(errno.ENOSPC) in str(error) or code == "worker-exception":
        return "model-not-prepared", message
    return code, message


def main() -> int:
    """Returns 0 after ``done``, 1 after an ``error``."""
    request = json.loads(sys.stdin.readline())
    out = Path(request["out"])
    scratch: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        threading.Thread(target=_end_with_parent, args=(scratch,), name="lifeline", daemon=True).start()
        told = _make(request, scratch)
        (scratch / MANIFEST).write_text(json.dumps(told, sort_keys=True) + "\n", "utf-8")
        _publish(scratch, out)
    except Exception as error:
        code, message = _describe_failure(error)
        traceback.print_exception(error)
        say("error", code=code, message=message)
        return 1
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
