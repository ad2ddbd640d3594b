"""Where a model comes from: a folder, the embedded model's folder, the hub or a config; with or without an adapter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from falcon_exp.worker.adapter.folder import AdapterFolder, open_adapter, refuse_adapter
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.gguf_file import find_gguf
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION
from falcon_exp.worker.hub.wanted import only_pickles
from falcon_exp.worker.prepared.folder import prepare
from falcon_exp.worker.trial.download import Fetched, Report, fetch_adapter, fetch_code_of, fetch_model
from falcon_exp.worker.trial.sources import ModelFolder, ModelSource, RandomModel
from falcon_exp.worker.wire_types import ConfiguredModel, ConfiguredModelAdapted, ConfiguredModelAdaptedAdapter


def open_source(model: ConfiguredModel, *, trust_remote_code: bool, report: Report) -> ModelSource:
    """Finds the model, or fetches it.

    Raises WorkerError ``model-not-found`` if a folder is not a model folder, ``model-unsafe-format`` if all its weights
    are pickles, ``model-has-adapter`` if there is an adapter among its files, ``adapter-invalid``,
    ``gguf-unsupported``, and whatever ``fetch_model`` and ``prepare`` raise.
    """
    # mypy knows which kind a model is only where ``source`` itself is compared.
    if model["source"] == "adapted":
        return _open_adapted(model, trust_remote_code=trust_remote_code, report=report)
    if model["source"] == "hub":
        revision = model["revision"] or DEFAULT_REVISION
        fetched = fetch_model(model["repo"], revision, with_code=trust_remote_code, report=report)
        refuse_adapter(fetched.folder)
        return ModelFolder(fetched.folder, trust_remote_code, fetched.commit, fetched.download_sec)
    if model["source"] == "random":
        return RandomModel(model["config"], model["seed"], model["tokenizer"], model.get("floats", ()))
    path = model["path"]
    if path is None:
        assert model["source"] == "builtin"
        raise WorkerError(
            "model-not-found",
            f"The embedded model {model['name']} has not been prepared.",
            next_step="Run falcon-exp setup.",
        )
    gguf = find_gguf(Path(path))
    if gguf is not None:
        folder, told = prepare({"kind": "gguf", "file": str(gguf)}, name=gguf.stem, sources=[gguf], report=report)
        return ModelFolder(folder, trust_remote_code=False, prepared=(told,))
    folder = _model_folder(Path(path))
    if trust_remote_code:
        fetch_code_of(folder, report)
    return ModelFolder(folder, trust_remote_code)


def _open_adapted(model: ConfiguredModelAdapted, *, trust_remote_code: bool, report: Report) -> ModelFolder:
    # The adapter first, because it is smaller: errors in it are reported before the base is fetched.
    adapter, fetched = _open_adapter(model["adapter"], report)
    base = open_source(model["base"], trust_remote_code=trust_remote_code, report=report)
    if not isinstance(base, ModelFolder):
        raise WorkerError("adapter-invalid", "An adapter needs the files of the model that it was trained on.")
    if fetched is not None:
        download_sec = (base.download_sec or 0) + fetched.download_sec
        base = replace(base, adapter_commit=fetched.commit, download_sec=download_sec)
    if not model["merged"]:
        return replace(base, adapter=adapter)
    recipe = {
        "kind": "merged-adapter",
        "base": str(base.folder),
        "adapter": str(adapter.folder),
        "trust_remote_code": trust_remote_code,
    }
    files = [file for folder in (base.folder, adapter.folder) for file in folder.rglob("*") if file.is_file()]
    name = f"{base.folder.name}-{adapter.folder.name}"
    folder, told = prepare(recipe, name=name, sources=files, report=report)
    return replace(base, folder=folder, prepared=(*base.prepared, told))


def _open_adapter(place: str | ConfiguredModelAdaptedAdapter, report: Report) -> tuple[AdapterFolder, Fetched | None]:
    """Opens an adapter in a folder, or one given as ``{"source": "hub", "repo", "revision"}``."""
    if isinstance(place, str):
        return open_adapter(Path(place)), None
    fetched = fetch_adapter(place["repo"], place["revision"] or DEFAULT_REVISION, report=report)
    return open_adapter(fetched.folder), fetched


def _model_folder(path: Path) -> Path:
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise WorkerError("model-not-found", f"{path} {what}.")
    refuse_adapter(path)
    if not (path / "config.json").is_file():
        raise WorkerError("model-not-found", f"{path} has no config.json, so it is not a model folder.")
    names = [file.name for file in path.iterdir()]
    if only_pickles(names):
        raise WorkerError("model-unsafe-format", f"{path} holds its weights as pickle only.")
    if not any(name.endswith(".safetensors") for name in names):
        raise WorkerError("model-not-found", f"{path} holds no *.safetensors.")
    return path
