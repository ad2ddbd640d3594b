"""Every tensor that a module keeps, opened: subclasses by what they are made of, packed weights with their state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from falcon_exp.worker.quantization.registry import kept_of_input

#: Objects of these hold no weights of their own: settings, hooks, and what the libraries keep about a model.
_NOT_ENTERED = frozenset({"torch", "transformers", "accelerate", "builtins", "functools", "logging", "threading"})
#: Attributes of a module that hold its parts, its parameters and buffers, or what only refers to them.
_OF_MODULE = frozenset(vars(torch.nn.Module())) | {"_hf_hook", "_old_forward"}
_PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)
_DEPTH = 4


@dataclass(frozen=True)
class StoredTensor:
    """What a module keeps under one name: a parameter, a buffer, or a tensor in a plain attribute."""

    name: str
    #: As the module has it; of a subclass, what it stands for.
    tensor: torch.Tensor
    is_parameter: bool
    #: What is really stored: the tensor itself, what a subclass is made of, its quantization state.
    parts: list[torch.Tensor] = field(default_factory=list)
    #: False where a part could not be opened: neither its bytes nor what it stands for are known.
    is_open: bool = True


def stored_tensors(module: torch.nn.Module) -> Iterator[StoredTensor]:
    """Those of the module itself, its children left out. A storage may come more than once."""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield _open(name, parameter, is_parameter=True)
    for name, buffer in module._buffers.items():
        if buffer is not None:
            yield _open(name, buffer)
    of_input = {id(tensor) for tensor in kept_of_input(module)}
    for name, value in vars(module).items():
        if name not in _OF_MODULE:
            for tensor in _tensors_in(value, _DEPTH, set(of_input)):
                yield _open(name, tensor)


def kept_tensors(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    """All plain tensors that a model keeps; the same storage may come more than once."""
    for module in model.modules():
        for stored in stored_tensors(module):
            yield from stored.parts


def held_bytes(values: Iterable[Any]) -> int:
    """What the storages of all tensors in these take, each once, in containers and subclasses as well."""
    sizes: dict[object, int] = {}
    seen: set[int] = set()
    for value in values:
        for tensor in _tensors_in(value, _DEPTH, seen):
            for part in _parts(tensor)[0]:
                if part.dim() > 0:
                    storage = part.untyped_storage()
                    sizes[(str(part.device), storage.data_ptr())] = storage.nbytes()
    return sum(sizes.values())


def storage_key(tensor: torch.Tensor) -> object:
    """Offloaded ("meta") tensors go by object: they lie elsewhere, but they are."""
    return id(tensor) if tensor.device.type == "meta" else (str(tensor.device), tensor.data_ptr())


def bytes_of(tensor: torch.Tensor) -> int:
    """Of the values that a plain tensor has."""
    return int(tensor.numel() * tensor.element_size())


def _open(name: str, tensor: torch.Tensor, *, is_parameter: bool = False) -> StoredTensor:
    parts, is_open = _parts(tensor)
    return StoredTensor(name, tensor, is_parameter, parts, is_open)


def _parts(tensor: torch.Tensor) -> tuple[list[torch.Tensor], bool]:
    """The plain tensors that a tensor is made of, and whether all of them were found."""
    if hasattr(tensor, "__tensor_flatten__"):
        try:
            names, _ = tensor.__tensor_flatten__()
            opened = [_parts(getattr(tensor, name)) for name in names]
        except Exception:
            return [], False
        return [part for parts, _ in opened for part in parts], all(is_open for _, is_open in opened)
    if not _has_storage(tensor):
        return [], False
    # What a packed weight carries with it; of a plain tensor there is nothing.
    state = [] if type(tensor) in _PLAIN else _tensors_in(vars(tensor), _DEPTH, {id(tensor)})
    return [tensor, *state], True


def _has_storage(tensor: torch.Tensor) -> bool:
    """A subclass may be a mere wrapper, whose storage is nobody's."""
    if tensor.device.type == "meta" or tensor.numel() == 0:
        return True
    try:
        return bool(tensor.data_ptr() != 0)
    except RuntimeError:
        return False


def _tensors_in(value: Any, depth: int, seen: set[int]) -> Iterator[torch.Tensor]:
    """Tensors in an attribute: itself, in containers, in plain objects as libraries keep quantization state in."""
    if id(value) in seen or depth == 0:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
        return
    for inner in _inner_values(value):
        yield from _tensors_in(inner, depth - 1, seen)


def _inner_values(value: Any) -> Iterable[Any]:
    if isinstance(value, torch.nn.Module):
        return ()
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (list, tuple, set)):
        return value
    if type(value).__module__.partition(".")[0] in _NOT_ENTERED:
        return ()
    # `vars`, not `getattr`: a property may compute a new tensor, which nobody keeps.
    return vars(value).values() if hasattr(value, "__dict__") and not isinstance(value, type) else ()
