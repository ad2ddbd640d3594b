"""Which files of a model repository a load reads; the others are not downloaded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from falcon_exp.worker.failures import WorkerError

CONFIG = "config.json"
WHOLE_WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"

#: Config, generation config, tokenizers of every kind, chat templates.
_SMALL_SUFFIXES = (".json", ".jinja", ".model", ".txt", ".tiktoken", ".spm", ".bpe", ".codes")
_TEMPLATE_FOLDER = "additional_chat_templates/"
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")


def small_files(names: Iterable[str], *, with_code: bool) -> list[str]:
    """Everything a load reads except the weights; Python files only if ``with_code``."""
    return sorted(name for name in names if _is_small(name) or (with_code and name.endswith(".py")))


def _is_small(name: str) -> bool:
    if name.startswith(_TEMPLATE_FOLDER):
        return True
    return "/" not in name and name.endswith(_SMALL_SUFFIXES)


def weight_files(names: Sequence[str], index: Path | None) -> list[str]:
    """The safetensors files that transformers would choose.

    A single file takes precedence over shards; shards are the files that the index (its local copy) names; without
    either, all files at the top level are taken. Raises WorkerError ``model-corrupt`` if the index is invalid.
    """
    if WHOLE_WEIGHTS in names:
        return [WHOLE_WEIGHTS]
    if index is not None:
        return shards_of(index)
    return sorted(name for name in names if "/" not in name and name.endswith(".safetensors"))


def likely_weight_files(names: Sequence[str]) -> list[str]:
    """The same choice while the index is not here: shards are recognized by their usual names."""
    shards = sorted(name for name in names if _SHARD.fullmatch(name))
    return shards if shards and WHOLE_WEIGHTS not in names else weight_files(names, None)


def shards_of(index: Path) -> list[str]:
    """The files that an index names. Raises WorkerError ``model-corrupt`` if it is invalid."""
    try:
        shards = sorted({str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkerError("model-corrupt", f"{index.name} names no weights.") from error
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in shards):
        raise WorkerError("model-corrupt", f"{index.name} names files outside the model.")
    return shards


def local_weight_files(folder: Path) -> list[Path]:
    """The weight files of a folder by the same choice, including missing ones. Raises WorkerError ``model-corrupt``."""
    names = [path.name for path in folder.iterdir()]
    index = folder / WEIGHTS_INDEX
    return [folder / name for name in weight_files(names, index if index.is_file() else None)]


def only_pickles(names: Iterable[str]) -> bool:
    """Whether there are weights, but none as safetensors."""
    listed = list(names)
    return any(name.endswith(_PICKLES) for name in listed) and not any(n.endswith(".safetensors") for n in listed)
