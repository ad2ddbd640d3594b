"""The folder of a prepared model: found by what it is made from, or else made by a process of its own."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from falcon_exp.worker.helper_process import ask_helper

#: Written last: a folder without it is incomplete.
MANIFEST = "prepared.json"
_LIBRARIES = ("torch", "transformers", "peft", "gguf")
#: (what is being done, None because there are no tokens yet), as in every phase.
Report = Callable[[str, int | None], None]


def prepare(
    recipe: dict[str, Any], *, name: str, sources: Iterable[Path], report: Report
) -> tuple[Path, dict[str, Any]]:
    """(The folder, what was found out while making it: ``preparedFromSchema`` of the wire format).

    ``recipe`` goes to ``falcon_exp.worker.prepared``. A folder made from the same ``sources`` before is used as it is.
    Raises WorkerError ``model-not-prepared``, and whatever making the folder raises.
    """
    out = _prepared_folder() / f"{_safe(name)}-{_key(recipe, sources)}"
    if not (out / MANIFEST).is_file():
        _make({**recipe, "out": str(out)}, report)
    told: dict[str, Any] = json.loads((out / MANIFEST).read_text("utf-8"))
    return out, told


def _prepared_folder() -> Path:
    return Path(os.environ.get("FALCON_EXP_HOME") or "~/.cache/falcon-exp").expanduser() / "prepared"


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)[:60]


def _key(recipe: dict[str, Any], sources: Iterable[Path]) -> str:
    """A key that changes with the files, the libraries, and the code that makes the folder."""
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    for code in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(code.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    for file in sorted(sources):
        status = file.stat()
        digest.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _make(request: dict[str, Any], report: Report) -> None:
    ask_helper(
        "falcon_exp.worker.prepared",
        request,
        lambda step: report(step["text"], None),
        no_answer=("model-not-prepared", "Preparing the model"),
        environment={"HF_HUB_OFFLINE": "1"},
    )
