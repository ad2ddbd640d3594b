"""Every tensor that a module keeps, opened: subclasses as their parts, packed weights with their state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from falcon_exp.worker.quantization.registry import kept_of_input

#: Objects of these packages hold no weights of their own: settings, hooks, and what the libraries keep about a model.
_NOT_ENTERED = frozenset({"torch", "transformers", "accelerate", "builtins", "functools", "logging", "threading"})
#: Attributes of a module that hold its parts, its parameters and buffers, or what only refers to them.
_OF_MODULE = frozenset(vars(torch.nn.Module())) | {"_hf_hook", "_old_forward"}
_PLAIN = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)
_DEPTH = 4


@dataclass(frozen=True)
class StoredTensor:
    """What a module keeps under one name: a parameter, a buffer, or a tensor in a plain attribute."""

    name: str
    #: As the module has it; for a subclass, what it represents.
    tensor: torch.Tensor
    is_parameter: bool
    #: What is really stored: the tensor itself, the parts of a subclass, its quantization state.
    parts: list[torch.Tensor] = field(default_factory=list)
    #: False if a part could not be opened: neither its bytes nor what it represents is known.
    is_open: bool = True


def stored_tensors(module: torch.nn.Module) -> Iterator[StoredTensor]:
    """Yields the tensors of the module itself, without its children. The same storage may come more than once."""
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
    """Yields all plain tensors that a model keeps; the same storage may come more than once."""
    for module in model.modules():
        for stored in stored_tensors(module):
            yield from stored.parts


def held_bytes(values: Iterable[Any]) -> int:
    """Returns the bytes of all storages of tensors in these values (also in containers and subclasses), each once."""
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
    """Identifies a storage. Offloaded ("meta") tensors are told apart by object: they exist, but elsewhere."""
    return id(tensor) if tensor.device.type == "meta" else (str(tensor.device), tensor.data_ptr())


def bytes_of(tensor: torch.Tensor) -> int:
    """The bytes of a plain tensor's values."""
    return int(tensor.numel() * tensor.element_size())


def _open(name: str, tensor: torch.Tensor, *, is_parameter: bool = False) -> StoredTensor:
    parts, is_open = _parts(tensor)
    return StoredTensor(name, tensor, is_parameter, parts, is_open)


def _parts(tensor: torch.Tensor) -> tuple[list[torch.Tensor], bool]:
    """Returns the plain tensors that a tensor is made of, and whether all of them were found."""
    if hasattr(tensor, "__tensor_flatten__"):
        try:
            names, _ = tensor.__tensor_flatten__()
            opened = [_parts(getattr(tensor, name)) for name in names]
        except Exception:
            return [], False
        return [part for parts, _ in opened for part in parts], all(is_open for _, is_open in opened)
    if not _has_storage(tensor):
        return [], False
    # What a packed weight carries with it; a plain tensor carries nothing.
    state = [] if type(tensor) in _PLAIN else _tensors_in(vars(tensor), _DEPTH, {id(tensor)})
    return [tensor, *state], True


def _has_storage(tensor: torch.Tensor) -> bool:
    """Whether a tensor has a storage of its own; a subclass may be a mere wrapper without one."""
    if tensor.device.type == "meta" or tensor.numel() == 0:
        return True
    try:
        return bool(tensor.data_ptr() != 0)
    except RuntimeError:
        return False


def _tensors_in(value: Any, depth: int, seen: set[int]) -> Iterator[torch.Tensor]:
    """Yields the tensors in an attribute: itself, in containers, and in objects that hold quantization state."""
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
