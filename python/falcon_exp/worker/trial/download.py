"""Downloads as a trial process sees them: they end before the clock starts, and while it runs the hub is off."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcon_exp.worker.helper_process import ask_helper
from falcon_exp.worker.wire_types import ErrorCode

#: Takes (what is being done, None because there are no tokens yet); every phase reports in this form.
Report = Callable[[str, int | None], None]


_NOTHING: dict[str, object] = {
    "repo": None,
    "revision": None,
    "is_adapter": False,
    "with_code": False,
    "code_of": [],
}


def report_to_nobody(_detail: str, _tokens: int | None) -> None:
    """Ignores reports, for loads that nobody watches."""


@dataclass(frozen=True)
class Fetched:
    """A model or an adapter from the hub, complete on this machine."""

    folder: Path
    commit: str
    #: How long that took; close to 0 if nothing was missing.
    download_sec: float


def fetch_model(repo: str, revision: str, *, with_code: bool, report: Report) -> Fetched:
    """Fetches a model into the hub's cache and reports the progress.

    Raises WorkerError ``hub-unreachable``, ``model-not-found``, ``model-gated``, ``model-revision-unknown``,
    ``model-unsafe-format`` or ``download-disk-full``.
    """
    started = time.perf_counter()
    folder, commit = _ask({**_NOTHING, "repo": repo, "revision": revision, "with_code": with_code}, report)
    if with_code:
        fetch_code_of(folder, report)
    return Fetched(folder, commit, time.perf_counter() - started)


def fetch_adapter(repo: str, revision: str, *, report: Report) -> Fetched:
    """Fetches an adapter in the same way, but never any code. Also raises WorkerError ``adapter-invalid``."""
    started = time.perf_counter()
    folder, commit = _ask({**_NOTHING, "repo": repo, "revision": revision, "is_adapter": True}, report)
    return Fetched(folder, commit, time.perf_counter() - started)


def fetch_code_of(folder: Path, report: Report) -> None:
    """Fetches the Python files in other repositories that a model folder refers to (``org/name--module.Class``)."""
    repos = sorted(_code_elsewhere(folder))
    if repos:
        _ask({**_NOTHING, "with_code": True, "code_of": repos}, report)


def _code_elsewhere(folder: Path) -> set[str]:
    found: set[str] = set()
    for name in ("config.json", "tokenizer_config.json"):
        try:
            named = json.loads((folder / name).read_text("utf-8")).get("auto_map", {})
            entries = named.values() if isinstance(named, dict) else [named]
        except (OSError, ValueError, AttributeError):
            # A damaged file is reported when it is loaded.
            continue
        for entry in entries:
            classes = entry if isinstance(entry, list) else [entry]
            found |= {one.partition("--")[0] for one in classes if isinstance(one, str) and "--" in one}
    return found


def _ask(request: dict[str, object], report: Report) -> tuple[Path, str]:
    """Runs the download process (falcon_exp/worker/hub/__main__.py) to its end; returns (folder, commit)."""

    def report_progress(event: dict[str, Any]) -> None:
        received, total = event["received_bytes"] / 1e9, event["total_bytes"] / 1e9
        report(f"downloading: {received:.2f} of {total:.2f} GB", None)

    no_answer: tuple[ErrorCode, str] = ("hub-unreachable", "The download")
    done = ask_helper("falcon_exp.worker.hub", request, report_progress, no_answer=no_answer)
    if done["notice"] is not None:
        logging.getLogger(__name__).warning(done["notice"])
    return Path(done["folder"] or "."), str(done["commit"])


@contextmanager
def hub_shut_off() -> Iterator[None]:
    """While entered, no library contacts the hub: everything that a load needs is here, and a clock may be running.

    The library reads HF_HUB_OFFLINE only once, when it is imported; this sets the constant that it keeps it in.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
