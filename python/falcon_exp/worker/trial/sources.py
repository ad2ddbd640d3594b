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
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION
from falcon_exp.worker.hub.wanted import local_weight_files, only_pickles
from falcon_exp.worker.stored_dtype import stored_dtype
from falcon_exp.worker.trial.download import Report, fetch_code_of, fetch_model
from falcon_exp.worker.trial.page_cache import page_cache_share


@dataclass(frozen=True)
class ModelFolder:
    """A model on this machine. What a load takes from it needs no network."""

    folder: Path
    trust_remote_code: bool
    #: The hub's commit; None for other folders.
    commit: str | None = None
    #: What fetching it took; None where nothing is ever fetched.
    download_sec: float | None = None

    def config(self) -> Any:
        """The model's config."""
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(self.folder, trust_remote_code=self.trust_remote_code)

    def tokenizer(self) -> Any:
        """The tokenizer that lies beside the weights."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder, trust_remote_code=self.trust_remote_code)

    def model(self, config: Any, **options: Any) -> Any:
        """The loaded model. Raises WorkerError ``model-corrupt`` where the files lack something."""
        from transformers import AutoModelForCausalLM

        model, info = AutoModelForCausalLM.from_pretrained(
            self.folder,
            config=config,
            trust_remote_code=self.trust_remote_code,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
        _refuse_invented(sorted(info["missing_keys"]))
        return model

    def stored_dtype(self) -> str | None:
        """The dtype of the weight files."""
        return stored_dtype(local_weight_files(self.folder))

    def page_cache_share(self) -> float | None:
        """How much of the weights is in memory now, 0 to 1; None where that cannot be told."""
        try:
            return page_cache_share(local_weight_files(self.folder))
        except WorkerError:
            return None


def open_source(model: dict[str, Any], home: Path, *, trust_remote_code: bool, report: Report) -> ModelFolder:
    """Finds the model, or fetches it.

    Raises WorkerError ``model-not-found`` where a folder is none, ``model-unsafe-format`` where it holds pickles, and
    what ``fetch_model`` raises.
    """
    source = model["source"]
    if source == "hub":
        revision = model["revision"] or DEFAULT_REVISION
        fetched = fetch_model(model["repo"], revision, with_code=trust_remote_code, report=report)
        return ModelFolder(fetched.folder, trust_remote_code, fetched.commit, fetched.download_sec)
    if source == "random":
        return ModelFolder(random_model(model, home), trust_remote_code=False)
    path = model["path"]
    if path is None:
        raise WorkerError("model-not-found", f"The embedded model {model['name']} has not been prepared.")
    folder = _model_folder(Path(path))
    if trust_remote_code:
        fetch_code_of(folder, report)
    return ModelFolder(folder, trust_remote_code)


def _refuse_invented(missing: list[str]) -> None:
    """The library draws weights that the files lack at random, and goes on with no more than a warning."""
    if missing:
        named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise WorkerError("model-corrupt", f"The files lack {len(missing)} tensors that the config asks for: {named}.")


def _model_folder(path: Path) -> Path:
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise WorkerError("model-not-found", f"{path} {what}.")
    if not (path / "config.json").is_file():
        raise WorkerError("model-not-found", f"{path} holds no config.json, so it is no model folder.")
    names = [file.name for file in path.iterdir()]
    if only_pickles(names):
        raise WorkerError("model-unsafe-format", f"{path} holds its weights as pickle only.")
    if not any(name.endswith(".safetensors") for name in names):
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
