"""GGUF files, the format of llama.cpp: which file a path means, and what it holds."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.wire_types import ErrorCode

_CODE: ErrorCode = "gguf-unsupported"
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
#: Types of unpacked weights, and the dtype that represents the same numbers.
_UNPACKED = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def find_gguf(path: Path) -> Path | None:
    """The file itself, or the one in a folder without safetensors; None if the path is another kind of model.

    Raises WorkerError ``gguf-unsupported`` if there are several files, or parts of one.
    """
    if path.is_file():
        files = [path] if path.suffix == ".gguf" else []
    else:
        files = [] if any(path.glob("*.safetensors")) else sorted(path.glob("*.gguf"))
    if not files:
        return None
    named = ", ".join(file.name for file in files[:3])
    if any(_PART.search(file.name) for file in files):
        raise WorkerError(
            _CODE, f"{path} holds a model in several GGUF files ({named}), which Transformers cannot read."
        )
    if len(files) > 1:
        raise WorkerError(
            _CODE, f"{path} holds {len(files)} GGUF files ({named}).", next_step=f"Name one of them: model: {files[0]}"
        )
    return files[0]


def weights_by_type(file: Path) -> dict[str, int]:
    """How many weights of each type (such as ``Q4_K``) the file holds. Raises WorkerError ``gguf-unsupported``."""
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
    except Exception as error:
        raise WorkerError(_CODE, f"{file} cannot be read as GGUF: {error}") from error
    found = Counter[str]()
    for tensor in reader.tensors:
        found[str(tensor.tensor_type.name)] += int(tensor.n_elements)
    return dict(sorted(found.items()))


def expanded_dtype(weights: dict[str, int]) -> torch.dtype:
    """The dtype to expand to: the file's if most weights are unpacked, else bfloat16, as for the embedded model."""
    most = max(weights, key=lambda name: weights[name], default="F32")
    return _UNPACKED.get(most, torch.bfloat16)


def config_of_gguf(file: Path) -> Any:
    """The model's config, with the dtype that the weights are expanded to. Reads no weights."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
    config.dtype = expanded_dtype(weights_by_type(file))
    return config
