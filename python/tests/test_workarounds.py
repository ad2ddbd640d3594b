"""The cure of Falcon's linear layer changes which layers are quantized, and nothing that they compute."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.falcon import modeling_falcon

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.trial.loading import load
from tests.conftest import configuration

# Kept before any test loads a cured model: the cure replaces the module's attribute.
FalconLinear: Any = modeling_falcon.FalconLinear


@pytest.fixture(autouse=True)
def uncured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins and ends with the library as it is."""
    monkeypatch.setattr(modeling_falcon, "FalconLinear", FalconLinear)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.integers(1, 9),
    inputs=st.integers(1, 80),
    outputs=st.integers(1, 80),
    bias=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    seed=st.integers(0, 2**31),
)
def test_falcons_own_linear_layer_and_the_plain_one_compute_the_same(
    rows: int, inputs: int, outputs: int, bias: bool, dtype: torch.dtype, seed: int
) -> None:
    torch.manual_seed(seed)
    own = FalconLinear(inputs, outputs, bias=bias).to(dtype)
    plain = torch.nn.Linear(inputs, outputs, bias=bias).to(dtype)
    plain.load_state_dict(own.state_dict())
    hidden = torch.randn(rows, inputs).to(dtype)
    # Falcon multiplies, then adds the bias: with a bias, the two may round once apart.
    eps = torch.finfo(dtype).eps
    with torch.inference_mode():
        a, b = own(hidden).float(), plain(hidden).float()
    scale = (hidden.float().abs() @ plain.weight.float().abs().T).max() + 1
    assert (a - b).abs().max() <= 2 * eps * scale


def logits(model: Any) -> torch.Tensor:
    """Of a fixed input, in float32."""
    ids = torch.arange(3, 40).unsqueeze(0)
    with torch.inference_mode():
        result: torch.Tensor = model(ids).logits.float()
    return result


@pytest.mark.parametrize(("quantization", "bound"), [("int8", 0.05), ("fp4", 0.35), ("nf4-double", 0.25)])
def test_a_cured_falcon_is_near_to_the_original_one(quantization: str, bound: float) -> None:
    original = load(configuration(dtype="float32", workarounds="none"), Devices.open())
    cured = load(configuration(quantization, dtype="float32"), Devices.open())
    assert cured.measurement["proof"]["quantized_linear_layers"] == 8
    reference, quantized = logits(original.model), logits(cured.model)
    error = (quantized - reference).norm() / reference.norm()
    assert 0 < error < bound


def test_an_unquantized_falcon_keeps_its_own_class() -> None:
    loaded = load(configuration(), Devices.open())
    assert loaded.measurement["proof"]["linear_classes"]["FalconLinear"] == 8
    assert loaded.measurement["proof"]["workarounds_applied"] == []
