"""Where a model comes from: a folder, the embedded model's folder, the hub, or a seed."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from falcon_exp.worker.failures import WorkerError


@dataclass(frozen=True)
class ModelPlace:
    """What ``from_pretrained`` is given."""

    name_or_path: str
    #: Branch, tag or commit; None for a folder.
    revision: str | None


def locate(model: dict[str, Any], home: Path) -> ModelPlace:
    """Raises WorkerError ``model-not-found`` where a folder is none, ``model-unsafe-format`` where it holds pickles."""
    source = model["source"]
    if source == "hub":
        return ModelPlace(model["repo"], model["revision"] or "main")
    if source == "random":
        return ModelPlace(str(random_model(model, home)), None)
    path = model["path"]
    if path is None:
        raise WorkerError("model-not-found", f"The embedded model {model['name']} has not been prepared.")
    return ModelPlace(str(_model_folder(Path(path))), None)


def _model_folder(path: Path) -> Path:
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise WorkerError("model-not-found", f"{path} {what}.")
    if not (path / "config.json").is_file():
        raise WorkerError("model-not-found", f"{path} holds no config.json, so it is no model folder.")
    if not any(path.glob("*.safetensors")):
        if any(path.glob("*.bin")) or any(path.glob("*.pt")) or any(path.glob("*.pth")):
            raise WorkerError("model-unsafe-format", f"{path} holds its weights as pickle only.")
        raise WorkerError("model-not-found", f"{path} holds no *.safetensors.")
    return path


def random_model(model: dict[str, Any], home: Path) -> Path:
    """The folder of a model drawn from a seed, made once: it then loads on the very path that a real one takes."""
    recipe = {
        "config": model["config"],
        "seed": model["seed"],
        "tokenizer": model["tokenizer"],
        "versions": [version("torch"), version("transformers")],
    }
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    folder = home / "models" / "random" / key
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=folder.parent))
    try:
        _draw(model, scratch)
        scratch.rename(folder)
    except OSError:
        # Another run may have made the same one in the meantime.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _draw(model: dict[str, Any], folder: Path) -> None:
    from transformers import AutoModelForCausalLM, set_seed

    tokenizer = _tokenizer(model["tokenizer"])
    config = _config(model["config"])
    for token in ("bos", "eos", "pad"):
        if f"{token}_token_id" not in model["config"]:
            setattr(config, f"{token}_token_id", getattr(tokenizer, f"{token}_token_id"))
    if config.vocab_size < len(tokenizer):
        raise WorkerError(
            "model-corrupt",
            f"vocab_size {config.vocab_size} is smaller than the tokenizer's {len(tokenizer)} entries.",
        )
    set_seed(model["seed"])
    drawn = AutoModelForCausalLM.from_config(config)
    drawn.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(name: str) -> Any:
    if name == "bytes":
        from transformers import ByT5Tokenizer

        return ByT5Tokenizer()
    from transformers import AutoTokenizer

    if not Path(name).is_dir():
        raise WorkerError("model-not-found", f"The tokenizer folder {name} does not exist.")
    return AutoTokenizer.from_pretrained(name)


def _config(given: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    rest = dict(given)
    model_type = rest.pop("model_type", None)
    try:
        return AutoConfig.for_model(model_type, **rest)
    except (ValueError, TypeError, KeyError) as error:
        raise WorkerError("model-corrupt", f"The config of the random model is refused: {error}") from error


def remote_revision(place: ModelPlace) -> str | None:
    """The commit that a hub model's branch or tag stands for; None for folders and where it cannot be told."""
    if place.revision is None:
        return None
    from transformers.utils.hub import cached_file, extract_commit_hash

    found = cached_file(place.name_or_path, "config.json", revision=place.revision)
    commit: str | None = extract_commit_hash(found, None)
    return commit
