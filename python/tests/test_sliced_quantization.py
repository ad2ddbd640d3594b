"""A weight that is quantized in slices has the same bits as if bitsandbytes had quantized it as a whole."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import bitsandbytes
import pytest
import torch

from falcon_exp.worker.trial import sliced_quantization
from falcon_exp.worker.trial.sliced_quantization import QuantizeInSlices


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliced_quantization, "_SLICE_VALUES", 8192)


#: Neither a multiple of a slice nor of a block.
_WEIGHT = torch.randn(130, 515, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)


def tensors(state: Any) -> dict[str, Any]:
    found = {}
    for key, value in vars(state).items():
        if hasattr(value, "absmax"):
            found.update({f"{key}.{inner}": tensor for inner, tensor in tensors(value).items()})
        else:
            found[key] = value.tolist() if isinstance(value, torch.Tensor) else value
    return found


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("kind", ["fp4", "nf4"])
def test_four_bits_are_the_same(kind: str, nested: bool) -> None:
    def quantize(sliced: bool) -> Any:
        with QuantizeInSlices() if sliced else nullcontext():
            return bitsandbytes.nn.Params4bit(
                _WEIGHT.clone(), requires_grad=False, quant_type=kind, compress_statistics=nested
            ).to("cpu")

    sliced, whole = quantize(True), quantize(False)
    assert torch.equal(sliced.data, whole.data)
    assert tensors(sliced.quant_state) == tensors(whole.quant_state)


def test_eight_bits_are_the_same() -> None:
    def quantize(sliced: bool) -> Any:
        with QuantizeInSlices() if sliced else nullcontext():
            return bitsandbytes.nn.Int8Params(_WEIGHT.clone(), requires_grad=False, has_fp16_weights=False).to("cpu")

    sliced, whole = quantize(True), quantize(False)
    assert torch.equal(sliced.CB, whole.CB)
    assert torch.equal(sliced.SCB, whole.SCB)


def test_large_weights_are_cut_and_nothing_else_is() -> None:
    seen: list[int] = []
    original = sliced_quantization._quantize_4bit

    class Watched(QuantizeInSlices):
        """Records the size of each part that reaches the kernel."""

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            def kernel(part: torch.Tensor, *rest: Any) -> Any:
                seen.append(part.numel())
                return func(part, *rest)

            if str(func) == "bitsandbytes.quantize_4bit.default" and args[0].numel() > 8192:
                return original(kernel, *args)
            return super().__torch_dispatch__(func, types, args, kwargs)

    with Watched():
        bitsandbytes.functional.quantize_4bit(_WEIGHT, quant_type="nf4")
    assert seen == [8192] * 8 + [_WEIGHT.numel() - 8 * 8192]
