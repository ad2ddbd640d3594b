"""A census of every stored tensor of a live model: what it represents, what it takes, and hence the bits per weight.

It goes by storage, never by class: what a library quantized silently is found as well, and what cannot be opened is
unknown, never "not quantized".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from falcon_exp.worker.adapter.names import plain_name
from falcon_exp.worker.dtypes import dtype_name
from falcon_exp.worker.proof.module_kinds import ATTENTION, EXPERTS, KINDS, MLP, OUTSIDE, module_kinds
from falcon_exp.worker.proof.stored_tensors import StoredTensor, bytes_of, storage_key, stored_tensors
from falcon_exp.worker.quantization.registry import count_elements

#: Weights with fewer bits than this count as quantized.
UNQUANTIZED_BITS = 16
_PACKING_DTYPES = (torch.int8, torch.uint8, torch.int16, torch.int32)
#: Kinds of modules whose packed buffers are weights.
_WEIGHT_KINDS = frozenset({ATTENTION, MLP, EXPERTS})
_MOST_NAMES = 5


@dataclass(frozen=True)
class Matrix:
    """Weights of two dimensions or more that a module multiplies with or looks up."""

    name: str
    kind: str
    #: The number of weights that it represents; None if that is unknown.
    elements: int | None
    #: Including its quantization state.
    nbytes: int
    #: The dtype of its largest part.
    dtype: str

    @property
    def bits(self) -> float | None:
        """Bits per weight; None if unknown."""
        return None if not self.elements else 8 * self.nbytes / self.elements

    @property
    def is_quantized(self) -> bool | None:
        """Whether it has fewer than 16 bits per weight; None if unknown."""
        return None if self.bits is None else self.bits < UNQUANTIZED_BITS


@dataclass(frozen=True)
class Census:
    """All of a model's tensors, with each storage counted once."""

    matrices: list[Matrix]
    #: Name of a module, as it is without an adapter → its matrices; tied ones are listed under each of their modules.
    by_module: dict[str, list[Matrix]]
    #: Bytes by kind of module, including vectors and buffers.
    kind_bytes: dict[str, int]
    bytes_by_dtype: dict[str, int]
    #: Names of tensors that could not be opened, or that represent an unknown number of weights.
    unknown: list[str]

    @property
    def weights_bytes(self) -> int:
        """The bytes of all tensors."""
        return sum(self.bytes_by_dtype.values())

    def quantized_share(self) -> float | None:
        """The share of matrix weights below 16 bits, without embeddings and head; None if unknown."""
        total = self._inner_elements()
        if total is None or total == 0:
            return None
        return sum(one.elements or 0 for one in self.inner() if one.is_quantized) / total

    def mean_bits(self) -> float | None:
        """The mean bits per weight of the same matrices; None if unknown."""
        total = self._inner_elements()
        return None if total is None or total == 0 else 8 * sum(one.nbytes for one in self.inner()) / total

    def to_wire(self) -> dict[str, Any]:
        """``censusSchema`` of the wire format."""
        return {
            "kinds": [self._kind_to_wire(kind) for kind in KINDS if self.kind_bytes.get(kind)],
            "unknown": {"count": len(self.unknown), "names": self.unknown[:_MOST_NAMES]},
        }

    def inner(self) -> list[Matrix]:
        """The matrices of the layers, without embeddings and head."""
        return [one for one in self.matrices if one.kind not in OUTSIDE]

    def _inner_elements(self) -> int | None:
        return None if self.unknown else sum(one.elements or 0 for one in self.inner())

    def _kind_to_wire(self, kind: str) -> dict[str, Any]:
        own = [one for one in self.matrices if one.kind == kind]
        plain = Counter[str]()
        for one in own:
            if one.is_quantized is False:
                plain[one.dtype] += one.elements or 0
        return {
            "kind": kind,
            "bytes": self.kind_bytes[kind],
            "matrix_weights": sum(one.elements or 0 for one in own),
            "matrix_bytes": sum(one.nbytes for one in own),
            "quantized_weights": sum(one.elements or 0 for one in own if one.is_quantized),
            "unquantized_dtype": plain.most_common(1)[0][0] if plain else None,
        }


def take_census(model: torch.nn.Module) -> Census:
    """Takes the census in one walk over the model; nothing is moved or computed."""
    kinds = module_kinds(model)
    storages: dict[object, _Storage] = {}
    by_module: dict[str, list[Matrix]] = {}
    by_storage: dict[object, Matrix] = {}
    unknown: list[str] = []
    for module_name, module in model.named_modules():
        tensors = list(stored_tensors(module))
        unknown += [_join(module_name, stored.name) for stored in tensors if not stored.is_open]
        for name, elements, held in _find_matrices(module, kinds[module_name], tensors):
            key = storage_key(max(held, key=bytes_of)) if held else object()
            if key not in by_storage:
                parts = {storage_key(part): part for part in held}
                fresh = [part for own, part in parts.items() if own not in storages]
                dtype = dtype_name(max(held, key=bytes_of).dtype) if held else ""
                size = sum(bytes_of(part) for part in fresh)
                full_name = _join(module_name, name)
                by_storage[key] = Matrix(full_name, kinds[module_name], elements, size, dtype)
                if elements is None and full_name not in unknown:
                    unknown.append(full_name)
            # Tied weights are one matrix, found in both places.
            by_module.setdefault(plain_name(module_name), []).append(by_storage[key])
        for part in (part for stored in tensors for part in stored.parts):
            _add(storages, part, kinds[module_name])
    by_dtype, by_kind = Counter[str](), Counter[str]()
    for storage in storages.values():
        by_dtype[storage.dtype] += storage.nbytes
        by_kind[storage.kind] += storage.nbytes
    sizes = {dtype: size for dtype, size in sorted(by_dtype.items()) if size > 0}
    return Census(list(by_storage.values()), by_module, dict(by_kind), sizes, unknown)


@dataclass(frozen=True)
class _Storage:
    dtype: str
    kind: str
    nbytes: int


def _add(storages: dict[object, _Storage], part: torch.Tensor, kind: str) -> None:
    """Adds a tensor; of several views of one storage the largest counts, under the kind in which it was first found."""
    known = storages.get(storage_key(part))
    if known is None or bytes_of(part) > known.nbytes:
        own = _Storage(dtype_name(part.dtype), kind if known is None else known.kind, bytes_of(part))
        storages[storage_key(part)] = own


def _find_matrices(
    module: torch.nn.Module, kind: str, tensors: list[StoredTensor]
) -> Iterator[tuple[str, int | None, list[torch.Tensor]]]:
    """Yields (name, number of weights or None, tensors stored for it) for each of the module's own matrices."""
    has_blocks = any(stored.is_parameter and stored.tensor.dim() > 2 for stored in tensors)
    inputs, outputs = getattr(module, "in_features", None), getattr(module, "out_features", None)
    if isinstance(inputs, int) and isinstance(outputs, int) and not has_blocks:
        # However a linear layer is packed, it represents inputs x outputs weights.
        own = [stored for stored in tensors if stored.name != "bias"]
        if any(stored.tensor.dim() >= 2 for stored in own):
            is_open = all(stored.is_open for stored in own)
            yield own[0].name, inputs * outputs if is_open else None, _all_parts(own)
        return
    for stored in tensors:
        if not _is_matrix(stored, kind) or any(_is_state_of(stored, other) for other in tensors):
            continue
        own = [stored, *(other for other in tensors if _is_state_of(other, stored))]
        is_open = all(other.is_open for other in own)
        yield stored.name, _count_elements(stored.tensor) if is_open else None, _all_parts(own)


def _is_matrix(stored: StoredTensor, kind: str) -> bool:
    if stored.tensor.dim() < 2:
        return False
    is_packed = stored.tensor.dtype in _PACKING_DTYPES
    if stored.is_parameter:
        return is_packed or stored.tensor.is_floating_point()
    # Buffers hold masks and tables; in modules that have weights, packed ones may hold weights as well.
    return is_packed and kind in _WEIGHT_KINDS


def _is_state_of(stored: StoredTensor, other: StoredTensor) -> bool:
    """Whether ``stored`` belongs to ``other``: ``down_proj_scale`` to ``down_proj``, or its bias with one per block."""
    return stored.name.startswith(f"{other.name}_") and stored.tensor.numel() < other.tensor.numel()


def _count_elements(tensor: torch.Tensor) -> int | None:
    known = count_elements(tensor)
    if known is not None:
        return known
    # A subclass has the shape of what it represents; integers of no known method may be packed in any way.
    return int(tensor.numel()) if tensor.is_floating_point() else None


def _all_parts(tensors: list[StoredTensor]) -> list[torch.Tensor]:
    return [part for stored in tensors for part in stored.parts]


def _join(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name
