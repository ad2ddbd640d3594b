"""Puts an adapter on a loaded model, and makes sure that all of it is there."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch

from falcon_exp.worker.adapter.folder import AdapterFolder
from falcon_exp.worker.adapter.names import is_of_adapter
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.import_torchao import torchao_left_out

_MOST_NAMES = 3


def import_library(model: Mapping[str, Any]) -> None:
    """Imports what puts an adapter on a model, if the configuration's ``model`` has one, before anything is measured.

    Raises WorkerError ``adapter-library-missing``.
    """
    if model["source"] != "adapted":
        return
    try:
        importlib.import_module("peft")
    except ImportError as error:
        raise WorkerError(
            "adapter-library-missing", f"An adapter needs peft, which cannot be imported: {error}"
        ) from error


def attach(model: Any, adapter: AdapterFolder, dtype: torch.dtype) -> None:
    """Puts the adapter on ``model`` in place; it computes in ``dtype``, whatever the layer beneath it.

    peft by itself would use the dtype of the layer beneath, and float32 on a quantized one, so that two configurations
    that differ in quantization would differ in the adapter as well. Raises WorkerError ``adapter-invalid``.
    """
    try:
        with torchao_left_out():
            info = model.load_adapter(str(adapter.folder), adapter_kwargs={"local_files_only": True})
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        raise _unfit(adapter, f"{type(error).__name__}: {error}") from error
    wrong = {
        "lacks": info.missing_keys,
        "has what the model has no place for": info.unexpected_keys,
        "has tensors of other sizes than the model": info.mismatched_keys,
    }
    for what, keys in wrong.items():
        if keys:
            raise _unfit(adapter, f"it {what}: {_list(keys)}")
    for name, parameter in model.named_parameters():
        if is_of_adapter(name):
            parameter.data = parameter.data.to(dtype)


def _unfit(adapter: AdapterFolder, why: str) -> WorkerError:
    return WorkerError("adapter-invalid", f"{adapter.folder} does not fit this model: {why}")


def _list(keys: Any) -> str:
    names = sorted(str(key) for key in keys)
    return ", ".join(names[:_MOST_NAMES]) + (
        f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    )
