"""Finds what would fail before a model is loaded: a dtype or a kernel that cannot run on the device."""

from __future__ import annotations

import torch

from falcon_exp.worker.dtypes import torch_dtype
from falcon_exp.worker.failures import WorkerError, classify


def check_dtype(dtype: str, device: torch.device, name: str) -> None:
    """Tries in ``dtype`` what every decoder does: float8 types exist on every device, but can do little of it.

    Raises WorkerError ``dtype-unsupported``; the errors of a device that is full, busy or lost are passed on. ``name``
    is what the device is called in the message.
    """
    wanted = torch_dtype(dtype)
    usual = torch.get_default_dtype()
    try:
        layer = torch.nn.Linear(16, 16).to(device=device, dtype=wanted)
        with torch.inference_mode():
            hidden = layer(torch.ones(2, 16, device=device).to(wanted))
            torch.softmax(hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + 1e-6), dim=-1)
        # transformers makes a model's dtype the default while it creates tensors; torch accepts only some dtypes there.
        torch.set_default_dtype(wanted)
    except (RuntimeError, NotImplementedError, TypeError) as error:
        # If nothing at all could be computed, the error says nothing about the dtype.
        if classify(error, "load")[0] != "worker-exception":
            raise
        raise WorkerError(
            "dtype-unsupported", f"{name} cannot compute in {dtype}: {str(error).splitlines()[0]}"
        ) from error
    finally:
        torch.set_default_dtype(usual)


def check_attention(attention: str, kind: str) -> None:
    """Raises WorkerError ``attention-unavailable`` for FlashAttention 2 if it cannot run here."""
    if attention != "flash_attention_2":
        return
    if kind != "cuda":
        raise WorkerError("attention-unavailable", f"flash_attention_2 runs on CUDA devices only, not on {kind}.")
    from transformers.utils import is_flash_attn_2_available

    if not is_flash_attn_2_available():
        raise WorkerError("attention-unavailable", "flash_attention_2 was asked for, but flash-attn is not installed.")
