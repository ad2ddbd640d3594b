"""Counts the bytes of every tensor in this process, as a card's allocator would, and runs out of memory like one."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


class MemoryCounter(TorchDispatchMode):  # type: ignore[misc]
    """While entered, counts each storage that an operation of this thread makes, until it is freed."""

    def __init__(self, index: int, total_bytes: int) -> None:
        super().__init__()
        self._index = index
        self._total_bytes = total_bytes
        self._known: Any = WeakIdKeyDictionary()
        self.allocated_bytes = 0
        self.peak_bytes = 0

    def reset_peak(self) -> None:
        """Sets the peak to what is allocated now."""
        self.peak_bytes = self.allocated_bytes

    def add(self, tensors: Iterator[Any] | Sequence[Any]) -> None:
        """Counts storages that are not known yet. Raises torch.OutOfMemoryError if they do not fit."""
        for tensor in tensors:
            if not isinstance(tensor, torch.Tensor) or tensor.device.type == "meta":
                continue
            try:
                storage = tensor.untyped_storage()
            except (RuntimeError, NotImplementedError):
                # A wrapper subclass has no storage; what it wraps is counted when it is made.
                continue
            if storage in self._known or storage.nbytes() == 0:
                continue
            size = int(storage.nbytes())
            if self.allocated_bytes + size > self._total_bytes:
                raise torch.OutOfMemoryError(self._describe_shortage(size))
            self._known[storage] = size
            self.allocated_bytes += size
            self.peak_bytes = max(self.peak_bytes, self.allocated_bytes)
            weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.allocated_bytes -= size

    def _describe_shortage(self, size: int) -> str:
        free = self._total_bytes - self.allocated_bytes
        return (
            f"CUDA out of memory. Tried to allocate {size / 2**20:.2f} MiB. GPU {self._index} has a total capacity of "
            f"{self._total_bytes / 2**20:.2f} MiB of which {free / 2**20:.2f} MiB is free."
        )

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs the operation and counts what it made."""
        del types
        result = func(*args, **(kwargs or {}))
        self.add(tree_leaves(result))
        return result
