"""Turns a GGUF file into a folder of safetensors: Transformers reads it and expands packed weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.dtypes import dtype_name
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.gguf_file import expanded_dtype, weights_by_type
from falcon_exp.worker.model_class import auto_class_of

_MOST_NAMES = 3


def expand(file: Path, out: Path, step: Callable[[str], None]) -> dict[str, Any]:
    """Writes the expanded model and its tokenizer. Raises WorkerError ``gguf-unsupported``."""
    from transformers import AutoConfig, AutoTokenizer, GgufConfig

    step(f"expanding {file.name}: reading its tokenizer")
    weights = weights_by_type(file)
    dtype = expanded_dtype(weights)
    options: dict[str, Any] = {"gguf_file": file.name}
    try:
        config = AutoConfig.from_pretrained(file.parent, **options)
        tokenizer = AutoTokenizer.from_pretrained(file.parent, **options)
        step(f"expanding {file.name}: to {dtype_name(dtype)}")
        model, info = auto_class_of(config).from_pretrained(
            file.parent,
            **options,
            dtype=dtype,
            quantization_config=GgufConfig(dequantize=True),
            output_loading_info=True,
        )
    except (ValueError, KeyError, NotImplementedError) as error:
        raise WorkerError("gguf-unsupported", f"Transformers does not read {file}: {error}") from error
    _refuse_incomplete(file, model, sorted(info["missing_keys"]))
    # The model is no longer quantized, but a leftover config would make a later load treat it as if it were.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    step(f"expanding {file.name}: writing safetensors")
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return {"kind": "gguf", "weights_by_type": weights, "dtype": dtype_name(dtype), "file_bytes": file.stat().st_size}


def _refuse_incomplete(file: Path, model: Any, missing: list[str]) -> None:
    """Refuses a file that lacks tensors: the library would fill them at random, and only warn."""
    if missing:
        named = ", ".join(missing[:_MOST_NAMES])
        raise WorkerError(
            "gguf-unsupported", f"{file} lacks {len(missing)} tensors of {type(model).__name__}: {named}."
        )
    if any(not torch.isfinite(parameter).all() for parameter in model.parameters()):
        raise WorkerError("gguf-unsupported", f"Transformers read weights from {file} that are not finite.")
