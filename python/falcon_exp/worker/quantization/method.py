"""What a quantization method must tell, and what it may leave as it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.requirements import EXTRAS, find_version


class Method(ABC):
    """One method: how the library is asked for it, how it is recognized in a live model, and what is verified."""

    #: Its ``method`` in the wire format.
    key: ClassVar[str]
    #: False for the one that leaves weights as they are.
    is_quantizing: ClassVar[bool] = True
    #: False for the one that takes whatever the files are: told, not verified.
    is_certain: ClassVar[bool] = True
    #: Keys of ``quantization_effective`` that ``read_settings`` gives.
    settings: ClassVar[tuple[str, ...]] = ()
    #: What brings its library, a key of ``requirements.EXTRAS``; None where the worker's own do.
    extra: ClassVar[str | None] = None

    @abstractmethod
    def name(self, asked: dict[str, Any]) -> str:
        """As people call what was asked for: ``nf4``."""

    @abstractmethod
    def library_config(self, asked: dict[str, Any], dtype: torch.dtype, skip: list[str] | None) -> Any:
        """The ``quantization_config`` of ``from_pretrained``; None where nothing is quantized."""

    def refuse_unable(self, asked: dict[str, Any], device_kind: str) -> None:
        """Before anything is loaded: raises WorkerError where a library is missing, or where this device cannot.

        ``quantization-library-missing`` or ``quantization-needs-gpu``.
        """
        if self.extra is not None:
            require_library(self.extra, self.name(asked))

    def import_library(self) -> None:  # noqa: B027 (most have none of their own)
        """Imports what a load would else import within its clock, where a version that fits is installed."""

    def looks_across_rows(self, asked: dict[str, Any]) -> bool:
        """Whether what is computed of one row may depend on the others that are read with it."""
        return False

    def takes_stored(self, config: dict[str, Any]) -> bool:
        """Whether files with this ``quantization_config`` are loaded as this method; what they hold is verified."""
        return False

    def recognize(self, module: torch.nn.Module) -> str | None:
        """The type that the module's weight truly has; a module that only has the class is not quantized."""
        return None

    def read_settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """The settings of a module that was recognized, as they are now."""
        return {}

    def decided_by_kernel(self, module: torch.nn.Module) -> frozenset[str]:
        """Settings that the running kernel decides, whatever was asked for: told, not verified."""
        return frozenset()

    def count_elements(self, tensor: torch.Tensor) -> int | None:
        """How many weights a packed tensor stands for; None for a tensor that is not this method's."""
        return None

    def kept_of_input(self, module: torch.nn.Module) -> list[torch.Tensor]:
        """Tensors that a forward pass leaves in a module and that are of its input, not of the model."""
        return []

    def wanted(self, asked: dict[str, Any], dtype: str) -> dict[str, Any]:
        """What every quantized layer must have: ``type`` and settings."""
        return {}

    def formats(self) -> dict[str, dict[str, Any]]:
        """What ``doctor`` tries, by name: ``nf4`` and as much of what is asked for as makes it."""
        return {}

    def sample_layer(self, asked: dict[str, Any]) -> torch.nn.Module:
        """A small layer of one of ``formats``, to try what a device can compute in: 128 inputs and outputs."""
        raise NotImplementedError(self.key)


def has_library(extra: str) -> bool:
    """Whether it is installed, in a version that is known to fit. Imports nothing."""
    found = find_version(EXTRAS[extra].package)
    return found is not None and EXTRAS[extra].accepts(found)


def require_library(extra: str, name: str) -> None:
    """Raises WorkerError ``quantization-library-missing``; ``name``: what needs it."""
    if not has_library(extra):
        wanted = EXTRAS[extra]
        found = find_version(wanted.package) or "none"
        raise WorkerError(
            "quantization-library-missing",
            f"{name} needs {wanted.package} {wanted.specifier}, and this environment has {found}.",
        )


def is_of_library(value: object, library: str, class_name: str) -> bool:
    """By name, so that no other library's model needs the import."""
    return any(cls.__name__ == class_name and cls.__module__.startswith(library) for cls in type(value).__mro__)


def is_of_bitsandbytes(value: object, class_name: str) -> bool:
    """A class of bitsandbytes, own or inherited."""
    return is_of_library(value, "bitsandbytes", class_name)
