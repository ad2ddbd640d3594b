"""A hub model as a local folder: resolved to a commit, completed if files are missing, otherwise untouched."""

from __future__ import annotations

import glob
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.hub.wanted import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    CONFIG,
    WEIGHTS_INDEX,
    local_weight_files,
    only_pickles,
    small_files,
    weight_files,
)
from falcon_exp.worker.wire_types import ErrorCode

DEFAULT_REVISION = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PROGRESS_SEC = 0.5
#: Pauses between the attempts to reach a hub for a model that is not in the cache.
_PAUSES_SEC = (1.0, 2.0)
_BUSY = frozenset({408, 429, 500, 502, 503, 504})

#: (bytes of the missing files that have arrived, bytes of the missing files)
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Snapshot:
    """A complete folder of the hub's cache."""

    folder: Path
    commit: str
    #: Why the hub could not be asked whether the branch has moved; None if it was asked, or did not need to be.
    notice: str | None = None


def fetch_snapshot(
    repo: str, revision: str, *, with_code: bool, on_progress: OnProgress, is_adapter: bool = False
) -> Snapshot:
    """The folder of a model or an adapter; missing files are downloaded one by one.

    A lost connection is re-established. A commit whose files are all here needs no network; for a branch, or if Python
    files are wanted, the hub is asked once. If the hub does not answer, the copy in the cache is used. Raises
    WorkerError ``hub-unreachable``, ``model-not-found`` (for an adapter ``adapter-invalid``) or
    ``model-unsafe-format``, and whatever huggingface_hub raises for gated repositories and unknown names.
    """
    what = "adapter" if is_adapter else "model"
    absent: ErrorCode = "adapter-invalid" if is_adapter else "model-not-found"
    config = ADAPTER_CONFIG if is_adapter else CONFIG
    cached = find_cached(repo, revision, is_adapter=is_adapter)
    # Only the hub can tell whether the Python files are here as well.
    if cached is not None and _COMMIT.fullmatch(revision) and not with_code:
        return cached
    try:
        info = _ask_hub(repo, revision, pauses_sec=() if cached is not None else _PAUSES_SEC)
    except Exception as error:
        if cached is None or type(error).__name__ == "RevisionNotFoundError":
            raise
        reason = str(error).strip().partition("\n")[0]
        return Snapshot(
            cached.folder, cached.commit, f"the copy in the cache is used, commit {cached.commit}: {reason}"
        )
    names = [str(file.rfilename) for file in info.siblings or []]
    if config not in names:
        raise WorkerError(absent, f"{repo} holds no {config}, so it is no {what}.")
    if only_pickles(names):
        raise WorkerError("model-unsafe-format", f"{repo} holds its weights as pickle only.")
    sizes = {str(file.rfilename): int(file.size or 0) for file in info.siblings or []}
    folder = _repository_folder(repo) / "snapshots" / info.sha
    _remember(repo, revision, info.sha)
    # The weights come last: if they are all here, so is everything else.
    _complete(repo, info.sha, small_files(names, with_code=with_code), sizes, on_progress)
    if is_adapter:
        weights = [name for name in names if name == ADAPTER_WEIGHTS]
    else:
        index = folder / WEIGHTS_INDEX
        weights = weight_files(names, index if index.is_file() else None)
    if not weights:
        raise WorkerError(absent, f"{repo} holds no {ADAPTER_WEIGHTS if is_adapter else '*.safetensors'}.")
    _complete(repo, info.sha, weights, sizes, on_progress)
    return Snapshot(folder, info.sha)


def fetch_code(repo: str) -> None:
    """Fetches the Python files of a repository whose code a model uses; takes a cached copy if the hub is silent."""
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(repo, allow_patterns=["*.py"])
    except Exception:
        snapshot_download(repo, allow_patterns=["*.py"], local_files_only=True)


def remove_partial_files() -> None:
    """Deletes what this process has begun to download: the library never resumes another process's partial file."""
    with suppress(FileNotFoundError):
        for entry in os.scandir("/proc/self/fd"):
            # The file may have been closed or deleted in the meantime.
            with suppress(OSError):
                path = Path(entry.path).readlink()
                if path.suffix == ".incomplete":
                    path.unlink()


def find_cached(repo: str, revision: str, *, is_adapter: bool = False) -> Snapshot | None:
    """The cached copy of a branch, tag or commit; None unless the config and all weights are there. Asks nobody."""
    folder = _repository_folder(repo)
    commit = revision
    if not _COMMIT.fullmatch(revision):
        try:
            commit = (folder / "refs" / revision).read_text("utf-8").strip()
        except OSError:
            return None
    snapshot = folder / "snapshots" / commit
    if not commit or not (snapshot / (ADAPTER_CONFIG if is_adapter else CONFIG)).is_file():
        return None
    try:
        weights = [snapshot / ADAPTER_WEIGHTS] if is_adapter else local_weight_files(snapshot)
    except (OSError, WorkerError):
        return None
    return Snapshot(snapshot, commit) if weights and all(file.is_file() for file in weights) else None


def _ask_hub(repo: str, revision: str, *, pauses_sec: tuple[float, ...]) -> Any:
    """``model_info``, tried again after the pauses if that may help."""
    from huggingface_hub import HfApi, constants

    for pause_sec in (*pauses_sec, None):
        try:
            return HfApi().model_info(
                repo, revision=revision, files_metadata=True, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT
            )
        except Exception as error:
            unreachable = as_unreachable(error)
            if unreachable is None:
                raise
            if pause_sec is None or type(error).__name__ == "OfflineModeIsEnabled":
                raise unreachable from error
            time.sleep(pause_sec)
    raise AssertionError("unreachable: the last attempt returns or raises")


def as_unreachable(error: Exception) -> WorkerError | None:
    """``hub-unreachable`` for errors of an absent hub: no connection, no answer, a busy server, a captive portal."""
    from huggingface_hub import constants

    if isinstance(error, WorkerError):
        return None
    names = {cls.__name__ for cls in type(error).__mro__}
    status = getattr(getattr(error, "response", None), "status_code", None)
    is_portal = isinstance(error, ValueError) and "HFValidationError" not in names
    if names & {"TransportError", "OfflineModeIsEnabled", "ConnectionError"} or status in _BUSY or is_portal:
        no_hub = f"the server at {constants.ENDPOINT} is not a model hub"
        text = no_hub if is_portal else str(error).strip() or "no answer"
        return WorkerError("hub-unreachable", f"{type(error).__name__}: {text}")
    return None


def _complete(repo: str, commit: str, names: list[str], sizes: dict[str, int], on_progress: OnProgress) -> None:
    """Downloads those of the files that are missing here."""
    from huggingface_hub import snapshot_download

    folder = _repository_folder(repo)
    missing = [name for name in names if not (folder / "snapshots" / commit / name).is_file()]
    if not missing:
        return
    total_bytes = sum(sizes.get(name, 0) for name in missing)
    with _watched(folder / "blobs", total_bytes, on_progress):
        snapshot_download(repo, revision=commit, allow_patterns=[glob.escape(name) for name in missing])


@contextmanager
def _watched(blobs: Path, total_bytes: int, on_progress: OnProgress) -> Iterator[None]:
    """Reports how many of the missing bytes have arrived, whenever that changes. A standstill is silent."""
    finished = threading.Event()
    before_bytes = _size_bytes(blobs, with_partial=False)

    def watch() -> None:
        told = -1
        while not finished.wait(_PROGRESS_SEC):
            received = _size_bytes(blobs, with_partial=True) - before_bytes
            if received != told:
                told = received
                on_progress(min(received, total_bytes), total_bytes)

    thread = threading.Thread(target=watch, name="download-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def _size_bytes(blobs: Path, *, with_partial: bool) -> int:
    total = 0
    try:
        for entry in os.scandir(blobs):
            if with_partial or not entry.name.endswith(".incomplete"):
                # If it was renamed in the meantime, its bytes are counted next time.
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:
                    continue
    except FileNotFoundError:
        return 0
    return total


def _repository_folder(repo: str) -> Path:
    """Where the hub's cache keeps a model: ``models--org--name``, with ``refs``, ``snapshots`` and ``blobs``."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser() / "--".join(["models", *repo.split("/")])


def _remember(repo: str, revision: str, commit: str) -> None:
    """Notes which commit the branch stood for, so that it can be found again without the hub."""
    if _COMMIT.fullmatch(revision):
        return
    path = _repository_folder(repo) / "refs" / revision
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(commit)
    Path(file.name).replace(path)
