"""What a quantization method must define, and what it may leave at its default."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.requirements import EXTRAS, find_version

#: What an experiment asks of one method: its own TypedDict of the wire format.
Asked = TypeVar("Asked", bound=Mapping[str, object])


class Method(ABC, Generic[Asked]):
    """One method: how the library is asked for it, how it is recognized in a live model, and what is verified."""

    #: Its ``method`` in the wire format.
    key: ClassVar[str]
    #: False for the one that leaves weights as they are.
    is_quantizing: ClassVar[bool] = True
    #: False for the one that takes the files as they are, which is reported but not verified.
    is_certain: ClassVar[bool] = True
    #: Whether its library replaces subclasses of ``nn.Linear`` too; False if they must become plain layers first.
    replaces_subclasses: ClassVar[bool] = False
    #: Keys of ``quantization_effective`` that ``read_settings`` returns.
    settings: ClassVar[tuple[str, ...]] = ()
    #: The key of ``requirements.EXTRAS`` that brings its library; None if the worker's own requirements do.
    extra: ClassVar[str | None] = None

    @property
    def replaces_layers(self) -> bool:
        """Whether the library replaces linear layers, or their weights, when a model is loaded."""
        return self.is_quantizing and self.is_certain

    @abstractmethod
    def name(self, asked: Asked) -> str:
        """The usual name of what was asked for, such as ``nf4``."""

    @abstractmethod
    def library_config(self, asked: Asked, dtype: torch.dtype, skip: list[str] | None) -> Any:
        """The ``quantization_config`` for ``from_pretrained``; None if the library is asked for nothing."""

    def refuse_unable(self, asked: Asked, device_kind: str) -> None:
        """Raises WorkerError before anything is loaded if a library is missing, or if this device cannot run it.

        Its code is ``quantization-library-missing`` or ``quantization-needs-gpu``.
        """
        if self.extra is not None:
            require_library(self.extra, self.name(asked))

    def import_library(self) -> None:
        """Imports what a load would otherwise import while it is timed, if a version that fits is installed."""

    def looks_across_rows(self, asked: Asked) -> bool:
        """Whether what is computed for one row may depend on the others that are read with it."""
        return False

    def takes_stored(self, config: dict[str, Any]) -> bool:
        """Whether files with this ``quantization_config`` are loaded by this method; what they hold is verified."""
        return False

    def recognize(self, module: torch.nn.Module) -> str | None:
        """The type that the module's weight really has; None if it is not quantized, whatever the module's class."""
        return None

    def read_settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """The current settings of a module that was recognized."""
        return {}

    def decided_by_kernel(self, module: torch.nn.Module) -> frozenset[str]:
        """Settings that the running kernel decides, whatever was asked for; they are reported but not verified."""
        return frozenset()

    def count_elements(self, tensor: torch.Tensor) -> int | None:
        """How many weights a packed tensor represents; None for a tensor that is not this method's."""
        return None

    def kept_of_input(self, module: torch.nn.Module) -> list[torch.Tensor]:
        """Tensors that a forward pass leaves in a module but that belong to its input, not to the model."""
        return []

    def wanted(self, asked: Asked, dtype: str) -> dict[str, Any]:
        """What every quantized layer must have: ``type`` and settings."""
        return {}

    def formats(self) -> dict[str, dict[str, Any]]:
        """What ``doctor`` tries: a name such as ``nf4`` → the part of a quantization that asks for it."""
        return {}

    def sample_layer(self, asked: Asked) -> torch.nn.Module:
        """A small layer of one of ``formats`` (128 inputs and outputs), to try what a device can compute in."""
        raise NotImplementedError(self.key)


def has_library(extra: str) -> bool:
    """Whether the library is installed in a version that is known to fit. Imports nothing."""
    found = find_version(EXTRAS[extra].package)
    return found is not None and EXTRAS[extra].accepts(found)


def require_library(extra: str, name: str) -> None:
    """Raises WorkerError ``quantization-library-missing`` if it is not installed; ``name`` is what needs it."""
    if not has_library(extra):
        wanted = EXTRAS[extra]
        found = find_version(wanted.package) or "none"
        raise WorkerError(
            "quantization-library-missing",
            f"{name} needs {wanted.package} {wanted.specifier}, and this environment has {found}.",
        )


def is_of_library(value: object, library: str, class_name: str) -> bool:
    """Whether a value is of this class or one derived from it; compared by name, which needs no import."""
    return any(cls.__name__ == class_name and cls.__module__.startswith(library) for cls in type(value).__mro__)


def is_of_bitsandbytes(value: object, class_name: str) -> bool:
    """Whether a value is of this class of bitsandbytes, or of one derived from it."""
    return is_of_library(value, "bitsandbytes", class_name)
