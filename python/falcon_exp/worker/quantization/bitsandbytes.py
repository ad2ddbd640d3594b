"""The experiment's quantization → transformers' BitsAndBytesConfig."""

from __future__ import annotations

from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError


def torch_dtype(name: str) -> torch.dtype:
    """``bfloat16`` → torch.bfloat16. Raises WorkerError where this torch has no such dtype."""
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise WorkerError("dtype-unsupported", f"torch {torch.__version__} has no dtype {name}.")
    return dtype


def dtype_name(dtype: torch.dtype) -> str:
    """torch.bfloat16 → ``bfloat16``."""
    return str(dtype).removeprefix("torch.")


def bitsandbytes_config(
    quantization: dict[str, Any], dtype: torch.dtype, model_config: Any, *, trust_remote_code: bool
) -> Any:
    """None for an unquantized configuration. Code that comes with the model runs only where it is trusted."""
    method = quantization["method"]
    if method == "none":
        return None
    from transformers import BitsAndBytesConfig

    skip = _all_skipped(quantization["skip_modules"], model_config, trust_remote_code)
    if method == "int8":
        return BitsAndBytesConfig(
            load_in_8bit=True,
            llm_int8_threshold=float(quantization["threshold"]),
            llm_int8_skip_modules=skip,
        )
    compute = quantization["compute_dtype"]
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=quantization["type"],
        bnb_4bit_use_double_quant=quantization["double_quant"],
        bnb_4bit_compute_dtype=dtype if compute == "auto" else torch_dtype(compute),
        llm_int8_skip_modules=skip,
    )


def _all_skipped(skip_modules: list[str] | None, model_config: Any, trust_remote_code: bool) -> list[str] | None:
    """The user's modules and the library's own (the output head): naming any would else drop the library's."""
    if not skip_modules:
        return None
    from transformers.quantizers.base import get_keys_to_not_convert

    from falcon_exp.worker.skeleton import build_skeleton

    skeleton = build_skeleton(model_config, trust_remote_code=trust_remote_code)
    return sorted({*get_keys_to_not_convert(skeleton), *skip_modules})
