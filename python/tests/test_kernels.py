"""Which code path bitsandbytes takes is read from the library's own choices."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from falcon_exp.worker import kernels


@pytest.mark.parametrize(
    ("has_native", "has_fused", "ops", "expected"),
    [
        (True, True, SimpleNamespace(gemm_4bit_forward_kernel=None), "fused"),
        (True, True, SimpleNamespace(gemm_4bit_forward_kernel=print), "hub-fused"),
        # A version that stores its choice elsewhere: nothing is guessed.
        (True, True, SimpleNamespace(), None),
        (True, False, SimpleNamespace(), "unpacked"),
        (False, False, SimpleNamespace(), "unpacked-by-torch"),
    ],
)
def test_the_4_bit_path_follows_the_librarys_own_predicate(
    monkeypatch: pytest.MonkeyPatch, has_native: bool, has_fused: bool, ops: object, expected: str | None
) -> None:
    import bitsandbytes
    from bitsandbytes import cextension

    native = cextension.BNBNativeLibrary(SimpleNamespace(_name="/opt/bitsandbytes/libbitsandbytes_cuda126.so"))
    absent = cextension.ErrorHandlerMockBNBNativeLibrary("not found")
    monkeypatch.setattr(cextension, "lib", native if has_native else absent)
    monkeypatch.setattr("bitsandbytes.functional.has_avx512bf16", lambda: has_fused)
    monkeypatch.setattr(bitsandbytes.backends.cpu, "ops", ops)
    told = kernels.describe_kernels()
    assert told is not None
    assert told["cpu_4bit"] == expected
    assert told["native_library"] == ("libbitsandbytes_cuda126.so" if has_native else None)
    # These stand-ins say nothing about int8.
    assert told["cpu_int8"] is None


def test_the_fused_path_is_told_where_a_live_layer_repacks_its_weights() -> None:
    import bitsandbytes as bnb
    import torch

    told = kernels.describe_kernels()
    assert told is not None
    layer = bnb.nn.Linear4bit(128, 128, quant_type="fp4", compute_dtype=torch.bfloat16).eval().to("cpu")
    with torch.inference_mode():
        layer(torch.ones(1, 128, dtype=torch.bfloat16))
    is_packed = bool(getattr(layer.weight.quant_state, "packing_format_for_cpu", False))
    assert (told["cpu_4bit"] in ("fused", "hub-fused")) == is_packed
