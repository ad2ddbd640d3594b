"""Has transformers' loader count what it reads: a counter cannot see its threads, nor reads of mapped files."""

from __future__ import annotations

import os
from typing import Any

from torch.utils._python_dispatch import _disable_current_modes

from falcon_exp.worker.devices.simulated.memory_counter import MemoryCounter


def count_loaded_tensors(counter: MemoryCounter) -> None:
    """Counts from now on in this process. The loader then raises torch.OutOfMemoryError if a tensor does not fit."""
    from transformers import core_model_loading

    os.environ["HF_DEACTIVATE_ASYNC_LOAD"] = "1"
    read = core_model_loading._materialize_copy

    def read_and_count(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        # A slice of a mapped file cannot be made under a dispatch mode: asarray would treat the storage as a sequence.
        with _disable_current_modes():
            made = read(tensor, *args, **kwargs)
        counter.add([made])
        return made

    core_model_loading._materialize_copy = read_and_count
