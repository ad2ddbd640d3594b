"""Where the parts of a loaded model are stored, and where they are computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch


def _list_execution_devices(module: Any) -> Iterator[torch.device]:
    """The devices on which the hooks of an offloaded or spread module have it computed."""
    hook = getattr(module, "_hf_hook", None)
    for one in getattr(hook, "hooks", [hook]):
        place = getattr(one, "execution_device", None)
        if place is not None:
            yield torch.device("cuda", place) if isinstance(place, int) else torch.device(place)


def find_compute_device(module: torch.nn.Module) -> torch.device:
    """The device on which a layer is computed: its hook's, else that of its first tensor, else the CPU."""
    for device in _list_execution_devices(module):
        return device
    for tensor in (*module.parameters(), *module.buffers()):
        return tensor.device
    return torch.device("cpu")


def find_input_device(model: Any) -> torch.device:
    """Where token ids belong: on the device that computes the input embedding.

    ``model.device`` is that of the first tensor, which for offloaded weights is ``meta``, or the CPU although a GPU
    computes with them. If a model does not name its embedding, the model as a whole decides.
    """
    try:
        embedding = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        embedding = None
    return find_compute_device(model if embedding is None else embedding)


def find_accelerator_indices(model: torch.nn.Module, kind: str) -> list[int]:
    """Indices of the devices of ``kind`` that hold or compute a part of ``model``, sorted."""
    devices = [tensor.device for tensor in (*model.parameters(), *model.buffers())]
    for module in model.modules():
        devices += _list_execution_devices(module)
    return sorted({device.index or 0 for device in devices if device.type == kind})
