"""A model of any size from its config alone: each tensor is drawn when the loader asks for it, where it will live.

transformers loads this model like any other: its quantizer replaces the modules, and its loader takes one tensor after
the other, quantizes it and lets it go. The only difference is that tensors are drawn and not read from a file, so
neither the disk nor the memory ever holds the unquantized model. The peak is the quantized model plus what one tensor
takes while it is quantized (docs/geometry.md).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from falcon_exp.worker.devices.rss import release_unused, trim_heap
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.skeleton import build_skeleton
from falcon_exp.worker.trial.sliced_quantization import QuantizeInSlices

#: The most numbers drawn for a tensor; a larger one repeats them. Prime, so that no two rows are alike.
BLOCK_VALUES = 4_194_301
#: Used if a config names no deviation; the usual one in the libraries.
_USUAL_DEVIATION = 0.02


@dataclass(frozen=True)
class DrawnTensor:
    """A tensor drawn on demand. The loader reads it like a slice of a file: ``tensor[...]``, then ``to``.

    Normally distributed around 0; the same name and seed give the same values on every device and in every process.
    """

    name: str
    shape: torch.Size
    deviation: float
    seed: int

    def __getitem__(self, whole: EllipsisType) -> DrawnTensor:
        return self

    def to(self, *, device: Any, dtype: torch.dtype | None) -> torch.Tensor:
        """Returns the tensor itself, of ``shape``, on ``device``, and takes no more there than it and one block."""
        # Gives back what the previous tensor took while it was quantized.
        trim_heap()
        digest = hashlib.sha256(f"{self.seed}\0{self.name}".encode()).digest()
        generator = torch.Generator("cpu").manual_seed(int.from_bytes(digest[:8], "little", signed=False) >> 1)
        values = self.shape.numel()
        drawn = torch.randn(min(values, BLOCK_VALUES), generator=generator).mul_(self.deviation)
        block = drawn.to(device=device, dtype=dtype)
        if block.numel() == values:
            return block.view(self.shape)
        flat = torch.empty(values, dtype=block.dtype, device=device)
        repeats = values // BLOCK_VALUES
        flat[: repeats * BLOCK_VALUES].view(repeats, BLOCK_VALUES).copy_(block)
        flat[repeats * BLOCK_VALUES :].copy_(block[: values - repeats * BLOCK_VALUES])
        return flat.view(self.shape)


def draw_model(config: Any, seed: int, **options: Any) -> Any:
    """Returns the loaded model; ``options`` go to ``from_pretrained``.

    Matrices are drawn from the seed and their name, with the deviation that the config names; biases are 0. Norms and
    buffers get the values that the library gives an untrained model. Raises WorkerError ``model-corrupt`` if the model
    does not accept what was drawn for it.
    """
    from transformers import set_seed

    skeleton = build_skeleton(config, trust_remote_code=False)
    # After this, tied tensors are one parameter, with the name that it would have in files.
    skeleton.tie_weights()
    deviation = float(getattr(config.get_text_config(), "initializer_range", None) or _USUAL_DEVIATION)
    drawn = {}
    for name, parameter in skeleton.named_parameters():
        if name.endswith(".bias"):
            # 0, as in untrained models. If left to the library, biases of quantized layers would stay unset memory.
            drawn[name] = DrawnTensor(name, parameter.shape, 0.0, seed)
        elif parameter.dim() > 1:
            drawn[name] = DrawnTensor(name, parameter.shape, deviation, seed)
    in_float32 = getattr(skeleton, "_keep_in_fp32_modules_strict", None) or ()
    for name, buffer in skeleton.named_buffers():
        if any(part in in_float32 for part in name.split(".")):
            # The loader keeps the dtype only of buffers that it reads. DeepSeek-V3's router has one, 0 before training.
            drawn[name] = DrawnTensor(name, buffer.shape, 0.0, seed)
    # What is left to the library draws its random numbers from this seed.
    set_seed(seed)
    with _without_the_report_of_new_weights(), QuantizeInSlices(), _OnesInsteadOfUnsetMemory():
        model, info = type(skeleton).from_pretrained(
            None, config=config, state_dict=drawn, output_loading_info=True, **options
        )
    release_unused()
    ignored = sorted(info["unexpected_keys"])
    if ignored or drawn.keys() & set(info["missing_keys"]):
        raise WorkerError("model-corrupt", f"{type(model).__name__} did not take what was drawn for it: {ignored[:3]}.")
    return model


class _OnesInsteadOfUnsetMemory(TorchDispatchMode):  # type: ignore[misc]
    """Fills what the loader allocates with 1: tensors that no code sets would otherwise hold random memory."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        is_room = func is torch.ops.aten.empty_like.default and args[0].device.type == "meta"
        return made.fill_(1) if is_room else made


@contextmanager
def _without_the_report_of_new_weights() -> Iterator[None]:
    """Mutes the loader's warning about norms that no file holds: here they are expected, and the rest is checked."""
    logger = logging.getLogger("transformers.modeling_utils")

    def is_none(record: logging.LogRecord) -> bool:
        return "LOAD REPORT" not in record.getMessage()

    logger.addFilter(is_none)
    try:
        yield
    finally:
        logger.removeFilter(is_none)
