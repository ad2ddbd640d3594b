"""Cures change which layers are quantized, but not what they compute."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.falcon import modeling_falcon

from falcon_exp.worker.describe_models import describe
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.model_config import config_from_mapping
from falcon_exp.worker.quantization.skip_modules import suggest_entries
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.workarounds import cpu_4bit_shapes, plain_linear
from falcon_exp.worker.workarounds.cures import find_cures
from scripts.families import list_families
from tests.conftest import configuration

FalconLinear: Any = modeling_falcon.FalconLinear


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
    # Falcon multiplies, then adds the bias, so with a bias the results may differ by one rounding.
    eps = torch.finfo(dtype).eps
    with torch.inference_mode():
        a, b = own(hidden).float(), plain(hidden).float()
    scale = (hidden.float().abs() @ plain.weight.float().abs().T).max() + 1
    assert (a - b).abs().max() <= 2 * eps * scale


def logits(model: Any) -> torch.Tensor:
    """The logits of a fixed input, in float32."""
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


def test_the_cure_ends_with_the_load() -> None:
    load(configuration("fp4"), Devices.open())
    original = load(configuration(), Devices.open())
    assert original.measurement["proof"]["linear_classes"]["FalconLinear"] == 8


class SpelledOut(torch.nn.Linear):  # type: ignore[misc]
    """Computes what nn.Linear computes."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """The same product."""
        return torch.einsum("...i,oi->...o", hidden, self.weight) + self.bias


class Scaled(torch.nn.Linear):  # type: ignore[misc]
    """Computes what nn.Linear computes only if its scale is 1."""

    def __init__(self, *sizes: int, scale: float) -> None:
        super().__init__(*sizes)
        self.scale = scale

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """A scaled product."""
        return self.scale * super().forward(hidden)


class Router(torch.nn.Linear):  # type: ignore[misc]
    """Returns two values, as Llama-4's router does."""

    def forward(self, hidden: torch.Tensor) -> Any:
        """Scores and the best of them."""
        scores = super().forward(hidden)
        return scores, scores.topk(1)


def test_a_subclass_is_plain_where_it_computes_the_same_with_its_own_settings() -> None:
    assert plain_linear.computes_as_linear(FalconLinear(3, 5, bias=False))
    assert plain_linear.computes_as_linear(SpelledOut(3, 5))
    assert plain_linear.computes_as_linear(Scaled(3, 5, scale=1.0))
    assert not plain_linear.computes_as_linear(Scaled(3, 5, scale=2.0))
    assert not plain_linear.computes_as_linear(Router(3, 5))


def of_family(name: str, quantization: str, **changes: Any) -> Any:
    """A configuration of a tiny random model of the family."""
    source = {"source": "random", "config": list_families()[name], "seed": 7, "tokenizer": "bytes"}
    return configuration(quantization, model=source, **changes)


@pytest.fixture
def limited_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a CPU with AVX512-BF16."""
    monkeypatch.setattr(cpu_4bit_shapes, "describe_kernels", lambda: {"cpu_4bit": "fused"})


GATES = {f"model.layers.{layer}.mlp.shared_expert_gate" for layer in (0, 1)}


@pytest.mark.usefixtures("limited_kernel")
def test_layers_of_a_size_that_the_cpus_kernel_cannot_take_stay_unquantized_and_are_told() -> None:
    loaded = load(of_family("qwen2_moe", "fp4"), Devices.open())
    measurement = loaded.measurement
    assert measurement["proof"]["workarounds_applied"] == ["cpu-4bit-shapes"]
    assert set(measurement["kept_by_workarounds"]["cpu-4bit-shapes"]) == GATES
    assert set(measurement["proof"]["skipped_linear_modules"]) > GATES
    assert measurement["proof"]["quantized_linear_layers"] == 14
    # It runs, whereas the library alone would fail an assertion.
    assert logits(loaded.model).isfinite().all()


@pytest.mark.usefixtures("limited_kernel")
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_size_that_the_kernel_cannot_take_is_known_before_anything_is_loaded(device: str) -> None:
    told = describe({**of_family("qwen2_moe", "fp4"), "device": device}, trust_remote_code=False)
    count = sum(one["count"] for one in told["shape"]["quantizable_layers"])
    assert (set(told["kept"].get("cpu-4bit-shapes", [])), count) == ((GATES, 14) if device == "cpu" else (set(), 16))


@pytest.mark.usefixtures("limited_kernel")
def test_what_a_load_would_refuse_is_the_estimates_error() -> None:
    told = describe(of_family("qwen2_moe", "fp4", workarounds="none"), trust_remote_code=False)
    assert told["error"]["code"] == "quantization-shape"
    skipping = of_family("qwen2_moe", "fp4")
    skipping["quantization"]["skip_modules"] = ["no_such_module"]
    assert describe(skipping, trust_remote_code=False)["error"]["code"] == "skip-modules-unmatched"
    skipping["quantization"]["skip_modules"] = ["q_proj"]
    shape = describe(skipping, trust_remote_code=False)["shape"]
    assert sum(one["count"] for one in shape["quantizable_layers"]) == 12


@pytest.mark.usefixtures("limited_kernel")
def test_without_workarounds_such_a_size_is_refused_before_the_load_with_what_to_write() -> None:
    asked = of_family("qwen2_moe", "fp4", workarounds="none")
    with pytest.raises(WorkerError) as raised:
        load(asked, Devices.open())
    assert raised.value.code == "quantization-shape"
    assert "shared_expert_gate (128 → 1)" in raised.value.message
    assert raised.value.message.endswith("skip_modules: [shared_expert_gate]")
    asked["quantization"]["skip_modules"] = ["shared_expert_gate"]
    assert load(asked, Devices.open()).measurement["proof"]["quantized_linear_layers"] == 14


def test_the_kernels_limits_count_only_where_that_kernel_is_live(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = of_family("qwen2_moe", "fp4")
    config = config_from_mapping(asked["model"]["config"])
    monkeypatch.setattr(cpu_4bit_shapes, "describe_kernels", lambda: {"cpu_4bit": "unpacked"})
    assert find_cures(asked, config, "cpu").names() == []
    monkeypatch.setattr(cpu_4bit_shapes, "describe_kernels", lambda: {"cpu_4bit": "fused"})
    assert find_cures(asked, config, "cuda").names() == []
    assert find_cures(of_family("qwen2_moe", "int8"), config, "cpu").names() == []


@pytest.mark.parametrize(
    ("family", "quantization", "cures"),
    [
        ("mamba", "int8", ["weight-readers"]),
        ("deepseek_v3", "int8", ["int8-inputs"]),
        ("llama4_text", "int8", ["weight-readers"]),
        ("gemma3, with its vision part", "int8", ["weight-readers"]),
    ],
)
def test_a_family_whose_code_would_fail_runs_with_its_cure(family: str, quantization: str, cures: list[str]) -> None:
    original = load(of_family(family, "none", dtype="float32"), Devices.open())
    cured = load(of_family(family, quantization, dtype="float32"), Devices.open())
    assert cured.measurement["proof"]["workarounds_applied"] == cures
    reference, quantized = logits(original.model), logits(cured.model)
    error = (quantized - reference).norm() / reference.norm()
    assert 0 < error < 0.1


#: RWKV that divides weights after every layer; by default it does so after every sixth.
DIVIDING = {**list_families()["rwkv"], "rescale_every": 1, "num_hidden_layers": 3}
DIVIDED = [f"rwkv.blocks.{layer}.{name}" for layer in range(3) for name in ("attention.output", "feed_forward.value")]


@pytest.mark.parametrize("quantization", ["nf4-double", "torchao-int8", "quanto-int8", "quanto-int4"])
def test_weights_that_a_models_code_divides_in_place_stay_as_they_are(quantization: str) -> None:
    """Otherwise torchao's would refuse, only a copy of quanto's would be divided, and nf4 would become fp4."""
    source = {"source": "random", "config": DIVIDING, "seed": 7, "tokenizer": "bytes"}
    original = load(configuration(model=source), Devices.open())
    cured = load(configuration(quantization, model=source, dtype="bfloat16"), Devices.open())
    assert sorted(cured.measurement["kept_by_workarounds"]["weight-readers"]) == sorted(DIVIDED)
    reference, quantized = logits(original.model), logits(cured.model)
    cured.verify_running()
    assert 0 < (quantized - reference).norm() / reference.norm() < 0.05


def test_bitsandbytes_8_bit_weights_that_a_models_code_divides_are_divided_rightly() -> None:
    source = {"source": "random", "config": DIVIDING, "seed": 7, "tokenizer": "bytes"}
    original = load(configuration(model=source), Devices.open())
    quantized = load(configuration("int8", model=source), Devices.open())
    assert quantized.measurement["kept_by_workarounds"] == {}
    reference, found = logits(original.model), logits(quantized.model)
    assert 0 < (found - reference).norm() / reference.norm() < 0.05


@pytest.mark.parametrize(("family", "quantization"), [("rwkv", "quanto-int8"), ("mamba", "int8")])
def test_without_workarounds_weights_that_a_models_code_reads_are_refused(family: str, quantization: str) -> None:
    asked = of_family(family, quantization, workarounds="none")
    with pytest.raises(WorkerError) as raised:
        load(asked, Devices.open())
    assert raised.value.code == "quantization-unsupported"
    entries = raised.value.message.partition("skip_modules: [")[2].rstrip("]").split(", ")
    assert entries == (["dt_proj"] if family == "mamba" else ["output", "feed_forward.value"])
    asked["quantization"]["skip_modules"] = entries
    assert load(asked, Devices.open()).measurement["proof"]["quantized_linear_layers"] > 0


def test_sizes_that_the_4_bit_kernel_of_quanto_does_not_take_stay_unquantized_in_bfloat16_alone() -> None:
    loaded = load(of_family("mamba", "quanto-int4"), Devices.open())
    kept = loaded.measurement["kept_by_workarounds"]["quanto-shapes"]
    assert kept == [f"backbone.layers.{layer}.mixer.x_proj" for layer in (0, 1)]
    assert logits(loaded.model).isfinite().all()
    in_float32 = load(of_family("mamba", "quanto-int4", dtype="float32"), Devices.open())
    assert set(in_float32.measurement["kept_by_workarounds"]) == {"weight-readers"}
    assert logits(in_float32.model).isfinite().all()


@pytest.mark.parametrize(("family", "kind"), [("jamba", "int4"), ("falcon_mamba", "int8")])
def test_without_workarounds_sizes_that_quanto_does_not_take_are_refused_before_the_load(
    family: str, kind: str
) -> None:
    with pytest.raises(WorkerError, match=f"kernel for quanto-{kind} takes layers with a multiple of 16") as raised:
        load(of_family(family, f"quanto-{kind}", workarounds="none"), Devices.open())
    assert raised.value.code == "quantization-shape"


def test_the_endings_to_write_match_no_other_layer() -> None:
    gates, ups = ["a.0.gate", "a.1.gate", "b.gate"], ["a.0.up", "a.1.up"]
    assert suggest_entries(gates, ups) == ["gate"]
    assert suggest_entries(ups[:1], [*gates, ups[1]]) == ["0.up"]
    assert suggest_entries(gates[:1], [*gates[1:], *ups]) == ["0.gate"]
