"""Where a model comes from: a folder, the embedded model's folder, the hub, or a config and a seed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION
from falcon_exp.worker.hub.wanted import local_weight_files, only_pickles
from falcon_exp.worker.model_class import auto_class_of
from falcon_exp.worker.model_config import config_from_mapping
from falcon_exp.worker.stored_dtype import narrow_dtypes, stored_dtype
from falcon_exp.worker.trial.download import Report, fetch_code_of, fetch_model
from falcon_exp.worker.trial.page_cache import page_cache_share


class ModelSource(Protocol):
    """What a load takes a model from; all of it is on this machine."""

    @property
    def weights_source(self) -> str:
        """``files`` or ``random``."""

    @property
    def commit(self) -> str | None:
        """The hub's commit; None for what is from no hub."""

    @property
    def download_sec(self) -> float | None:
        """What fetching it took; None where nothing is ever fetched."""

    def config(self) -> Any:
        """The model's config."""

    def tokenizer(self) -> Any:
        """The tokenizer that goes with it."""

    def model(self, config: Any, **options: Any) -> Any:
        """The loaded model; ``options`` go to ``from_pretrained``. Raises WorkerError ``model-corrupt``."""

    def stored_dtype(self) -> str | None:
        """The dtype of the weights that are there; None where there are none."""

    def narrow_dtypes(self) -> list[str]:
        """Dtypes of the weights that are there which none has that was not quantized."""

    def page_cache_share(self) -> float | None:
        """How much of the weights is in memory now, 0 to 1; None where that cannot be told."""


#: Names of files with a tokenizer's vocabulary: of tokenizers, SentencePiece, tiktoken, and lists of words.
_VOCABULARIES = ("tokenizer.json", "*.model", "*.spm", "*.tiktoken", "vocab*")


@dataclass(frozen=True)
class ModelFolder:
    """A model's files: config, safetensors, tokenizer."""

    weights_source: ClassVar[str] = "files"

    folder: Path
    trust_remote_code: bool
    commit: str | None = None
    download_sec: float | None = None

    def config(self) -> Any:
        """As the folder's config.json says. Raises WorkerError ``model-kind-unsupported``."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(self.folder, trust_remote_code=self.trust_remote_code)
        auto_class_of(config)
        return config

    def tokenizer(self) -> Any:
        """The one that lies beside the weights. Raises WorkerError ``tokenizer-missing`` where none does."""
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(self.folder, trust_remote_code=self.trust_remote_code)
        except ValueError as error:
            # This message names libraries that would read files, also where there are no such files.
            is_misled = "instantiate the backend tokenizer" in str(error)
            if not is_misled or any(path for pattern in _VOCABULARIES for path in self.folder.glob(pattern)):
                raise
            raise WorkerError("tokenizer-missing", f"{self.folder} holds no tokenizer: {error}") from error

    def model(self, config: Any, **options: Any) -> Any:
        """Raises WorkerError ``model-corrupt`` where the files lack something."""
        model, info = auto_class_of(config).from_pretrained(
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
        """Of the first tensor of the weight files."""
        return stored_dtype(local_weight_files(self.folder))

    def narrow_dtypes(self) -> list[str]:
        """Of all weight files."""
        return narrow_dtypes(local_weight_files(self.folder))

    def page_cache_share(self) -> float | None:
        """Of all weight files."""
        try:
            return page_cache_share(local_weight_files(self.folder))
        except WorkerError:
            return None


@dataclass(frozen=True)
class RandomModel:
    """A config whose weights are drawn from a seed while the model is loaded; nothing of it is on a disk."""

    weights_source: ClassVar[str] = "random"
    commit: ClassVar[None] = None
    download_sec: ClassVar[None] = None

    #: As the experiment file gives it, ``model_type`` among it.
    given_config: dict[str, Any]
    seed: int
    #: ``bytes``, or the path of a tokenizer's folder.
    tokenizer_name: str

    def config(self) -> Any:
        """With the tokenizer's special tokens, where the file names none.

        Raises WorkerError ``model-corrupt`` or ``model-kind-unsupported``.
        """
        config = config_from_mapping(self.given_config)
        auto_class_of(config)
        vocabulary = int(config.get_text_config().vocab_size)
        tokenizer = self._open_tokenizer(vocabulary)
        for token in ("bos", "eos", "pad"):
            if f"{token}_token_id" not in self.given_config:
                setattr(config, f"{token}_token_id", getattr(tokenizer, f"{token}_token_id"))
        # The byte tokenizer fits any.
        if self.tokenizer_name != "bytes" and vocabulary < len(tokenizer):
            raise WorkerError(
                "model-corrupt", f"vocab_size {vocabulary} is smaller than the tokenizer's {len(tokenizer)} entries."
            )
        return config

    def tokenizer(self) -> Any:
        """Raises WorkerError ``model-not-found`` where its folder is none."""
        return self._open_tokenizer(int(config_from_mapping(self.given_config).get_text_config().vocab_size))

    def _open_tokenizer(self, vocabulary: int) -> Any:
        if self.tokenizer_name == "bytes":
            from falcon_exp.worker.trial.byte_tokenizer import ByteTokenizer

            return ByteTokenizer(vocabulary)
        from transformers import AutoTokenizer

        if not Path(self.tokenizer_name).is_dir():
            raise WorkerError("model-not-found", f"The tokenizer folder {self.tokenizer_name} does not exist.")
        return AutoTokenizer.from_pretrained(self.tokenizer_name)

    def model(self, config: Any, **options: Any) -> Any:
        """Drawn tensor by tensor, in bounded memory (docs/geometry.md)."""
        from falcon_exp.worker.trial.geometry import draw_model

        return draw_model(config, self.seed, **options)

    def stored_dtype(self) -> None:
        """Nothing is stored."""

    def narrow_dtypes(self) -> list[str]:
        """Nothing is stored."""
        return []

    def page_cache_share(self) -> None:
        """No files, no cache."""


def open_source(model: dict[str, Any], *, trust_remote_code: bool, report: Report) -> ModelSource:
    """Finds the model, or fetches it.

    Raises WorkerError ``model-not-found`` where a folder is none, ``model-unsafe-format`` where it holds pickles,
    ``model-has-adapter`` where an adapter lies among its files, and
    what ``fetch_model`` raises.
    """
    source = model["source"]
    if source == "hub":
        revision = model["revision"] or DEFAULT_REVISION
        fetched = fetch_model(model["repo"], revision, with_code=trust_remote_code, report=report)
        _refuse_adapter(fetched.folder)
        return ModelFolder(fetched.folder, trust_remote_code, fetched.commit, fetched.download_sec)
    if source == "random":
        return RandomModel(model["config"], model["seed"], model["tokenizer"])
    path = model["path"]
    if path is None:
        raise WorkerError("model-not-found", f"The embedded model {model['name']} has not been prepared.")
    folder = _model_folder(Path(path))
    if trust_remote_code:
        fetch_code_of(folder, report)
    return ModelFolder(folder, trust_remote_code)


def _refuse_invented(missing: list[str]) -> None:
    """The library draws weights that the files lack at random, and only warns."""
    if missing:
        named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise WorkerError("model-corrupt", f"The files lack {len(missing)} tensors that the config asks for: {named}.")


def _refuse_gguf(path: Path) -> None:
    """A file of llama.cpp's, or a folder of those alone: the library would read them, but as other numbers."""
    files = [path] if path.is_file() else sorted(path.glob("*.gguf")) if not any(path.glob("*.safetensors")) else []
    named = [file.name for file in files if file.suffix == ".gguf"]
    if named:
        raise WorkerError("model-is-gguf", f"{path} holds its weights as GGUF ({', '.join(named[:3])}).")


def _model_folder(path: Path) -> Path:
    _refuse_gguf(path)
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise WorkerError("model-not-found", f"{path} {what}.")
    _refuse_adapter(path)
    if not (path / "config.json").is_file():
        raise WorkerError("model-not-found", f"{path} holds no config.json, so it is no model folder.")
    names = [file.name for file in path.iterdir()]
    if only_pickles(names):
        raise WorkerError("model-unsafe-format", f"{path} holds its weights as pickle only.")
    if not any(name.endswith(".safetensors") for name in names):
        raise WorkerError("model-not-found", f"{path} holds no *.safetensors.")
    return path


def _refuse_adapter(folder: Path) -> None:
    """Where the library for adapters is installed they are applied without a word, elsewhere left out as silently."""
    file = folder / "adapter_config.json"
    if not file.is_file():
        return
    try:
        told = json.loads(file.read_text("utf-8"))
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    kind, base = told.get("peft_type", "PEFT"), told.get("base_model_name_or_path", "a model that it does not name")
    raise WorkerError("model-has-adapter", f"{folder} holds an adapter ({kind}) of {base}: adapter_config.json.")
