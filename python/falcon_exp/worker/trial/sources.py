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
    """What a model is loaded from; all of it is on this machine."""

    @property
    def weights_source(self) -> str:
        """``files`` or ``random``."""

    @property
    def commit(self) -> str | None:
        """The hub's commit; None if the model is not from the hub."""

    @property
    def adapter_commit(self) -> str | None:
        """The adapter's commit; None if there is no adapter from the hub."""

    @property
    def download_sec(self) -> float | None:
        """How long fetching took; None if nothing is ever fetched."""

    @property
    def prepared(self) -> tuple[dict[str, Any], ...]:
        """What its files were made from; empty if they are the model's own."""

    def config(self) -> Any:
        """The model's config."""

    def tokenizer(self) -> Any:
        """The tokenizer that goes with it."""

    def tokenizer_difference(self, tokenizer: Any) -> dict[str, Any] | None:
        """How the tokenizer splits text differently from its own file; None if it does not."""

    def model(self, config: Any, **options: Any) -> Any:
        """The loaded model; ``options`` go to ``from_pretrained``. Raises WorkerError ``model-corrupt``."""

    def stored_dtype(self) -> str | None:
        """The dtype of the stored weights; None if none are stored."""

    def narrow_dtypes(self) -> list[str]:
        """Those dtypes of the stored weights that only quantized weights have."""

    def weight_files(self) -> list[Path]:
        """The weight files that are loaded; empty if weights are drawn."""

    def page_cache_share(self) -> float | None:
        """How much of the weights is in memory now, 0 to 1; None if that is unknown."""

    def adapter_elements(self) -> int:
        """How many numbers the adapter has that is put on the loaded model; 0 if there is none."""


#: Names of files with a tokenizer's vocabulary: those of tokenizers, SentencePiece and tiktoken, and word lists.
_VOCABULARIES = ("tokenizer.json", "*.model", "*.spm", "*.tiktoken", "vocab*")


@dataclass(frozen=True)
class ModelFolder:
    """A model's files (config, safetensors, tokenizer) and, if there is one, the adapter that is put on it."""

    weights_source: ClassVar[str] = "files"

    folder: Path
    trust_remote_code: bool
    commit: str | None = None
    download_sec: float | None = None
    adapter: AdapterFolder | None = None
    adapter_commit: str | None = None
    #: What the files were once made from (``preparedFromSchema`` of the wire format); empty for a model's own files.
    prepared: tuple[dict[str, Any], ...] = ()

    def config(self) -> Any:
        """Reads the folder's config.json. Raises WorkerError ``model-kind-unsupported``."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(self.folder, trust_remote_code=self.trust_remote_code)
        auto_class_of(config)
        return config

    def tokenizer(self) -> Any:
        """Loads the adapter's own tokenizer, or else the one beside the weights.

        Raises WorkerError ``tokenizer-missing`` if there is none, ``tokenizer-library-missing`` if it cannot be read.
        """
        from transformers import AutoTokenizer

        folder = self._tokenizer_folder()
        try:
            return AutoTokenizer.from_pretrained(folder, trust_remote_code=self.trust_remote_code)
        except (ImportError, ValueError) as error:
            _refuse_unread(folder, error)
            # This message names libraries that would read the files, even if there are no such files.
            is_misled = "instantiate the backend tokenizer" in str(error)
            if not is_misled or any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
                raise
            raise WorkerError("tokenizer-missing", f"{folder} holds no tokenizer: {error}") from error

    def _tokenizer_folder(self) -> Path:
        is_adapters = self.adapter is not None and self.adapter.has_tokenizer()
        return self.adapter.folder if self.adapter is not None and is_adapters else self.folder

    def tokenizer_difference(self, tokenizer: Any) -> dict[str, Any] | None:
        """Checked only for a tokenizer that is a SentencePiece file alone."""
        return find_difference(self._tokenizer_folder(), tokenizer)

    def model(self, config: Any, **options: Any) -> Any:
        """Loads the model. Raises WorkerError ``model-corrupt`` if files lack something, and what ``attach`` raises."""
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
        """The dtype of the first tensor in the weight files."""
        return stored_dtype(local_weight_files(self.folder))

    def narrow_dtypes(self) -> list[str]:
        """Those found in any of the weight files."""
        return narrow_dtypes(local_weight_files(self.folder))

    def weight_files(self) -> list[Path]:
        """The files that the library chooses, and an adapter's."""
        own = local_weight_files(self.folder)
        return own if self.adapter is None else own + sorted(self.adapter.folder.glob("*.safetensors"))

    def page_cache_share(self) -> float | None:
        """The share of all weight files together."""
        try:
            return page_cache_share(local_weight_files(self.folder))
        except WorkerError:
            return None

    def adapter_elements(self) -> int:
        """Counted in the adapter's weight file."""
        return 0 if self.adapter is None else self.adapter.count_elements()


@dataclass(frozen=True)
class RandomModel:
    """A config whose weights are drawn from a seed while the model is loaded; none of them are on a disk."""

    weights_source: ClassVar[str] = "random"
    commit: ClassVar[None] = None
    adapter_commit: ClassVar[None] = None
    download_sec: ClassVar[None] = None
    prepared: ClassVar[tuple[dict[str, Any], ...]] = ()

    #: As in the experiment file, including ``model_type``.
    given_config: dict[str, Any]
    seed: int
    #: ``bytes``, or the path of a tokenizer's folder.
    tokenizer_name: str
    #: Where in the config whole numbers were written as floats.
    floats: Sequence[Sequence[str]] = ()

    def config(self) -> Any:
        """Returns the config, with the tokenizer's special tokens if the experiment file names none.

        Raises WorkerError ``model-corrupt`` or ``model-kind-unsupported``.
        """
        config = config_from_mapping(self.given_config, self.floats)
        auto_class_of(config)
        vocabulary = int(config.get_text_config().vocab_size)
        tokenizer = self._open_tokenizer(vocabulary)
        for token in ("bos", "eos", "pad"):
            if f"{token}_token_id" not in self.given_config:
                setattr(config, f"{token}_token_id", getattr(tokenizer, f"{token}_token_id"))
        # The byte tokenizer fits any vocabulary.
        if self.tokenizer_name != "bytes" and vocabulary < len(tokenizer):
            raise WorkerError(
                "model-corrupt",
                f"vocab_size {vocabulary} is smaller than the tokenizer's {len(tokenizer)} entries.",
                next_step="Correct the model's config, or name another tokenizer.",
            )
        return config

    def tokenizer(self) -> Any:
        """Opens the tokenizer. Raises WorkerError ``model-not-found`` if its folder does not exist."""
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
        """Always None, because tokens have no meaning for random weights."""

    def model(self, config: Any, **options: Any) -> Any:
        """Draws the model tensor by tensor, in bounded memory (docs/geometry.md)."""
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
        """Always None, because there are no files."""

    def adapter_elements(self) -> int:
        """Always 0, because an adapter would have no meaning for random weights."""
        return 0


def _refuse_invented(missing: list[str]) -> None:
    """Raises WorkerError ``model-corrupt``: the library draws missing weights at random, and only warns."""
    if missing:
        named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise WorkerError("model-corrupt", f"The files lack {len(missing)} tensors that the config asks for: {named}.")


def _refuse_unread(folder: Path, error: Exception) -> None:
    """Raises WorkerError ``tokenizer-library-missing`` for a file that SentencePiece cannot read.

    The library takes such a file for one of tiktoken's, and asks for tiktoken alone.
    """
    file = folder / "tokenizer.model"
    if "tiktoken" in str(error) and file.is_file() and find_spec("sentencepiece") is not None:
        raise WorkerError(
            "tokenizer-library-missing",
            f"{file} is no SentencePiece file: it is damaged, or tiktoken's, which only that library reads.",
            next_step="Download or copy the tokenizer's files again; tiktoken's own need tiktoken in the environment "
            "of --python, or a tokenizer.json that AutoTokenizer and save_pretrained make once where it is installed.",
        ) from error
