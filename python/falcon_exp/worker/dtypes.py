"""torch's dtypes by the names that files and records use."""

from __future__ import annotations

import torch

from falcon_exp.worker.failures import WorkerError


def torch_dtype(name: str) -> torch.dtype:
    """``bfloat16`` → torch.bfloat16. Raises WorkerError ``dtype-unsupported`` if this torch has no such dtype."""
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise WorkerError("dtype-unsupported", f"torch {torch.__version__} has no dtype {name}.")
    return dtype


def dtype_name(dtype: torch.dtype) -> str:
    """torch.bfloat16 → ``bfloat16``."""
    return str(dtype).removeprefix("torch.")
