"""What a model is loaded from: a folder of files, or a config and a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Protocol

from falcon_exp.worker.adapter.attach import attach
from falcon_exp.worker.adapter.folder import AdapterFolder
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.hub.wanted import local_weight_files
from falcon_exp.worker.model_class import auto_class_of
from falcon_exp.worker.model_config import config_from_mapping
from falcon_exp.worker.stored_dtype import narrow_dtypes, stored_dtype
from falcon_exp.worker.trial.page_cache import page_cache_share
from falcon_exp.worker.trial.sentencepiece_check import find_difference


class ModelSource(Protocol):
    """What a load takes a model from; all of it is on this machine."""

    @property
    def weights_source(self) -> str:
        """``files`` or ``random``."""

    @property
    def commit(self) -> str | None:
        """The hub's commit; None for what is from no hub."""

    @property
    def adapter_commit(self) -> str | None:
        """That of the adapter; None where none is from a hub."""

    @property
    def download_sec(self) -> float | None:
        """What fetching it took; None where nothing is ever fetched."""

    @property
    def prepared(self) -> tuple[dict[str, Any], ...]:
        """What its files were made of; empty where they are the model's own."""

    def config(self) -> Any:
        """The model's config."""

    def tokenizer(self) -> Any:
        """The tokenizer that goes with it."""

    def tokenizer_difference(self, tokenizer: Any) -> dict[str, Any] | None:
        """How it cuts text otherwise than its own file does; None where it does not."""

    def model(self, config: Any, **options: Any) -> Any:
        """The loaded model; ``options`` go to ``from_pretrained``. Raises WorkerError ``model-corrupt``."""

    def stored_dtype(self) -> str | None:
        """The dtype of the weights that are there; None where there are none."""

    def narrow_dtypes(self) -> list[str]:
        """Dtypes of the weights that are there which none has that was not quantized."""

    def weight_files(self) -> list[Path]:
        """Those that are loaded; empty where weights are drawn."""

    def page_cache_share(self) -> float | None:
        """How much of the weights is in memory now, 0 to 1; None where that cannot be told."""

    def adapter_elements(self) -> int:
        """Numbers of the adapter that is put on the loaded model; 0 where there is none."""


#: Names of files with a tokenizer's vocabulary: of tokenizers, SentencePiece, tiktoken, and lists of words.
_VOCABULARIES = ("tokenizer.json", "*.model", "*.spm", "*.tiktoken", "vocab*")


@dataclass(frozen=True)
class ModelFolder:
    """A model's files: config, safetensors, tokenizer; and the adapter that is put on it."""

    weights_source: ClassVar[str] = "files"

    folder: Path
    trust_remote_code: bool
    commit: str | None = None
    download_sec: float | None = None
    adapter: AdapterFolder | None = None
    adapter_commit: str | None = None
    #: What the files were made of, once (``preparedFromSchema`` of the wire format); empty for a model's own files.
    prepared: tuple[dict[str, Any], ...] = ()

    def config(self) -> Any:
        """As the folder's config.json says. Raises WorkerError ``model-kind-unsupported``."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(self.folder, trust_remote_code=self.trust_remote_code)
        auto_class_of(config)
        return config

    def tokenizer(self) -> Any:
        """The adapter's own, else the one that lies beside the weights.

        Raises WorkerError ``tokenizer-missing`` where none does, ``tokenizer-library-missing`` where none can be read.
        """
        from transformers import AutoTokenizer

        folder = self._tokenizer_folder()
        try:
            return AutoTokenizer.from_pretrained(folder, trust_remote_code=self.trust_remote_code)
        except (ImportError, ValueError) as error:
            _refuse_unread(folder, error)
            # This message names libraries that would read files, also where there are no such files.
            is_misled = "instantiate the backend tokenizer" in str(error)
            if not is_misled or any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
                raise
            raise WorkerError("tokenizer-missing", f"{folder} holds no tokenizer: {error}") from error

    def _tokenizer_folder(self) -> Path:
        is_adapters = self.adapter is not None and self.adapter.has_tokenizer()
        return self.adapter.folder if self.adapter is not None and is_adapters else self.folder

    def tokenizer_difference(self, tokenizer: Any) -> dict[str, Any] | None:
        """Of a SentencePiece file alone."""
        return find_difference(self._tokenizer_folder(), tokenizer)

    def model(self, config: Any, **options: Any) -> Any:
        """Raises WorkerError ``model-corrupt`` where the files lack something, and what ``attach`` raises."""
        model, info = auto_class_of(config).from_pretrained(
            self.folder,
            config=config,
            trust_remote_code=self.trust_remote_code,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
        _refuse_invented(sorted(info["missing_keys"]))
        if self.adapter is not None:
            attach(model, self.adapter, options["dtype"])
        return model

    def stored_dtype(self) -> str | None:
        """Of the first tensor of the weight files."""
        return stored_dtype(local_weight_files(self.folder))

    def narrow_dtypes(self) -> list[str]:
        """Of all weight files."""
        return narrow_dtypes(local_weight_files(self.folder))

    def weight_files(self) -> list[Path]:
        """As the library chooses them, and an adapter's."""
        own = local_weight_files(self.folder)
        return own if self.adapter is None else own + sorted(self.adapter.folder.glob("*.safetensors"))

    def page_cache_share(self) -> float | None:
        """Of all weight files."""
        try:
            return page_cache_share(local_weight_files(self.folder))
        except WorkerError:
            return None

    def adapter_elements(self) -> int:
        """Of its weight file."""
        return 0 if self.adapter is None else self.adapter.count_elements()


@dataclass(frozen=True)
class RandomModel:
    """A config whose weights are drawn from a seed while the model is loaded; nothing of it is on a disk."""

    weights_source: ClassVar[str] = "random"
    commit: ClassVar[None] = None
    adapter_commit: ClassVar[None] = None
    download_sec: ClassVar[None] = None
    prepared: ClassVar[tuple[dict[str, Any], ...]] = ()

    #: As the experiment file gives it, ``model_type`` among it.
    given_config: dict[str, Any]
    seed: int
    #: ``bytes``, or the path of a tokenizer's folder.
    tokenizer_name: str
    #: Where in the config whole numbers were written as floats.
    floats: Sequence[Sequence[str]] = ()

    def config(self) -> Any:
        """With the tokenizer's special tokens, where the file names none.

        Raises WorkerError ``model-corrupt`` or ``model-kind-unsupported``.
        """
        config = config_from_mapping(self.given_config, self.floats)
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
        return self._open_tokenizer(
            int(config_from_mapping(self.given_config, self.floats).get_text_config().vocab_size)
        )

    def _open_tokenizer(self, vocabulary: int) -> Any:
        if self.tokenizer_name == "bytes":
            from falcon_exp.worker.trial.byte_tokenizer import ByteTokenizer

            return ByteTokenizer(vocabulary)
        from transformers import AutoTokenizer

        if not Path(self.tokenizer_name).is_dir():
            raise WorkerError("model-not-found", f"The tokenizer folder {self.tokenizer_name} does not exist.")
        return AutoTokenizer.from_pretrained(self.tokenizer_name)

    def tokenizer_difference(self, tokenizer: Any) -> None:
        """To weights of no meaning tokens have none."""

    def model(self, config: Any, **options: Any) -> Any:
        """Drawn tensor by tensor, in bounded memory (docs/geometry.md)."""
        from falcon_exp.worker.trial.geometry import draw_model

        return draw_model(config, self.seed, **options)

    def stored_dtype(self) -> None:
        """Nothing is stored."""

    def narrow_dtypes(self) -> list[str]:
        """Nothing is stored."""
        return []

    def weight_files(self) -> list[Path]:
        """Nothing is stored."""
        return []

    def page_cache_share(self) -> None:
        """No files, no cache."""

    def adapter_elements(self) -> int:
        """An adapter to weights of no meaning has none."""
        return 0


def _refuse_invented(missing: list[str]) -> None:
    """The library draws weights that the files lack at random, and only warns."""
    if missing:
        named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise WorkerError("model-corrupt", f"The files lack {len(missing)} tensors that the config asks for: {named}.")


def _refuse_unread(folder: Path, error: Exception) -> None:
    """The library takes a file that SentencePiece cannot read for one of tiktoken's, and asks for that alone."""
    file = folder / "tokenizer.model"
    if "tiktoken" in str(error) and file.is_file() and find_spec("sentencepiece") is not None:
        raise WorkerError(
            "tokenizer-library-missing",
            f"{file} is no SentencePiece file: it is damaged, or tiktoken's, which only that library reads.",
            next_step="Download or copy the tokenizer's files again; tiktoken's own need tiktoken in the environment "
            "of --python, or a tokenizer.json that AutoTokenizer and save_pretrained make once where it is installed.",
        ) from error
