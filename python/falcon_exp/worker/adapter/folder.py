"""An adapter's folder: adapter_config.json and adapter_model.safetensors."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.hub.wanted import ADAPTER_CONFIG as CONFIG
from falcon_exp.worker.hub.wanted import ADAPTER_WEIGHTS as WEIGHTS

#: peft's name for the only kind of adapter that is loaded here.
_LORA = "LORA"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_TOKENIZERS = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class AdapterFolder:
    """A LoRA adapter on this machine."""

    folder: Path

    def count_elements(self) -> int:
        """How many numbers the adapter holds. Reads only the header."""
        from safetensors import safe_open

        with safe_open(self.folder / WEIGHTS, framework="pt") as opened:
            names: list[str] = list(opened.keys())
            return sum(math.prod(opened.get_slice(name).get_shape()) for name in names)

    def has_tokenizer(self) -> bool:
        """Whether the adapter comes with a tokenizer, whose tokens or chat template it was trained with."""
        return any((self.folder / name).is_file() for name in _TOKENIZERS)


def open_adapter(folder: Path) -> AdapterFolder:
    """Opens an adapter. Raises WorkerError ``adapter-invalid``, or ``model-unsafe-format`` for pickled weights."""
    told = read_adapter_config(folder)
    if told is None:
        what = "does not exist" if not folder.exists() else f"holds no {CONFIG}"
        raise WorkerError("adapter-invalid", f"{folder} {what}, so it is no adapter.")
    kind = told.get("peft_type")
    if kind != _LORA:
        raise WorkerError("adapter-invalid", f"{folder} holds an adapter of another kind than LoRA: {kind}.")
    if not (folder / WEIGHTS).is_file():
        if any(folder.glob("adapter_model*.bin")):
            raise WorkerError("model-unsafe-format", f"{folder} holds the adapter's weights as pickle only.")
        raise WorkerError("adapter-invalid", f"{folder} holds no {WEIGHTS}.")
    return AdapterFolder(folder)


def read_adapter_config(folder: Path) -> dict[str, Any] | None:
    """The contents of adapter_config.json; empty if it is damaged, None if there is none."""
    file = folder / CONFIG
    if not file.is_file():
        return None
    try:
        told = json.loads(file.read_text("utf-8"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def refuse_adapter(folder: Path) -> None:
    """Raises WorkerError ``model-has-adapter`` if a model's folder holds an adapter.

    Transformers would silently apply it if the library for adapters is installed, and as silently leave it out if not.
    """
    told = read_adapter_config(folder)
    if told is None:
        return
    base = told.get("base_model_name_or_path") or None
    named = base or "a model that it does not name"
    raise WorkerError(
        "model-has-adapter",
        f"{folder} holds an adapter ({told.get('peft_type', 'PEFT')}) of {named}: {CONFIG}.",
        next_step=_lines_to_write(folder, base, has_weights=_has_weights(folder)),
    )


def _has_weights(folder: Path) -> bool:
    return any(file.name != WEIGHTS for file in folder.glob("*.safetensors"))


def _lines_to_write(folder: Path, base: str | None, *, has_weights: bool) -> str:
    if has_weights:
        return (
            f"Move {CONFIG} and {WEIGHTS} into a folder of their own, then write "
            f"model: {{path: {folder}, adapter: THAT_FOLDER}}; without the adapter: model: {folder}"
        )
    if base is not None and _HUB_ID.fullmatch(base) and not Path(base).exists():
        where = f"hub: {base}"
    else:
        where = f"path: {base or 'FOLDER_OF_THE_BASE'}"
    return f"Name its base, and the adapter beside it: model: {{{where}, adapter: {folder}}}"
