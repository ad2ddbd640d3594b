"""The methods of torchao and quanto, each taken through load, proof and trial with a tiny model."""

from __future__ import annotations

from multiprocessing import Pipe
from typing import Any

import pytest
import torch

from falcon_exp.worker import requirements
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.registry import METHODS, find_method
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.trial import TrialProcess
from scripts.families import list_families
from tests.conftest import QUANTIZATIONS, configuration, trial
from tests.proof.tiny_models import tiny_model

#: Bytes of the constants per row and per layer, as in the estimate (src/quantization).
_CONSTANTS = {
    "torchao-int8": (5, 0),
    "torchao-int8-dynamic": (5, 0),
    "torchao-float8": (4, 0),
    "quanto-int8": (2, 8),
    "quanto-float8": (2, 8),
}
_RUNS_HERE = [*_CONSTANTS, "quanto-int4"]


def _run(quantization: str, **changes: Any) -> TrialProcess:
    """Loads a tiny model, runs it once, and verifies it again."""
    ours, theirs = Pipe()
    process = TrialProcess(theirs)
    process._load({"configuration": configuration(quantization, model=tiny_model("llama"), **changes)})
    assert process._generate(trial())["measurement"]["output_tokens"] == 6
    ours.close()
    return process


@pytest.mark.parametrize("quantization", _RUNS_HERE)
def test_a_method_is_proved_by_its_tensors_before_and_after_it_ran(quantization: str) -> None:
    loaded = _run(quantization)._loaded
    assert loaded is not None
    asked = QUANTIZATIONS[quantization]
    for body in (loaded.measurement["proof"], loaded.proof().body):
        effective = body["quantization_effective"]
        assert (effective["method"], effective["type"]) == (asked["method"], asked["type"])
        assert body["matrix_weights_quantized_share"] == 1
        assert body["census"]["unknown"]["count"] == 0
        assert body["quantized_linear_layers"] == body["linear_layers"] - 1


@pytest.mark.parametrize("quantization", ["torchao-int8", "quanto-int4"])
def test_layers_of_a_class_of_their_own_are_quantized_and_run(quantization: str) -> None:
    """Falcon's layers write the product in a way that torchao's tensors do not support."""
    ours, theirs = Pipe()
    process = TrialProcess(theirs)
    process._load({"configuration": configuration(quantization)})
    process._generate(trial())
    assert process._loaded is not None
    assert process._loaded.proof().body["matrix_weights_quantized_share"] == 1
    ours.close()


def test_8_bit_layers_of_quanto_take_the_inputs_of_state_space_models() -> None:
    """Left to the library, they fail: "A must be contiguous on the last dimension"."""
    asked = configuration("quanto-int8")
    asked["model"]["config"] = list_families()["mamba"]
    ours, theirs = Pipe()
    process = TrialProcess(theirs)
    assert process._load({"configuration": asked})["measurement"]["proof"]["workarounds_applied"] == [
        "quanto-inputs",
        "weight-readers",
    ]
    process._generate(trial())
    ours.close()


def test_sizes_that_the_8_bit_kernel_of_a_cpu_does_not_take_stay_unquantized() -> None:
    asked = configuration("quanto-int8")
    asked["model"]["config"] = list_families()["falcon_mamba"]
    ours, theirs = Pipe()
    process = TrialProcess(theirs)
    kept = process._load({"configuration": asked})["measurement"]["kept_by_workarounds"]
    assert all(name.endswith("dt_proj") for name in kept["quanto-shapes"])
    process._generate(trial())
    ours.close()


@pytest.mark.parametrize("quantization", _CONSTANTS)
def test_each_byte_is_counted(quantization: str) -> None:
    plain = load(configuration("none", model=tiny_model("llama")), Devices.open()).measurement
    loaded = load(configuration(quantization, model=tiny_model("llama")), Devices.open()).measurement
    layers = [one for one in plain["model_shape"]["quantizable_layers"] for _ in range(one["count"])]
    a_row, a_layer = _CONSTANTS[quantization]
    saved = sum(one["out_features"] * (one["in_features"] - a_row) - a_layer for one in layers)
    assert loaded["proof"]["weights_bytes"] == plain["proof"]["weights_bytes"] - saved


@pytest.mark.parametrize("quantization", ["torchao-int8", "quanto-int8"])
def test_skip_modules_are_left_whole_by_the_end_of_their_names(quantization: str) -> None:
    asked = configuration(quantization, model=tiny_model("llama"))
    asked["quantization"]["skip_modules"] = ["down_proj"]
    loaded = load(asked, Devices.open())
    skipped = loaded.measurement["proof"]["skipped_linear_modules"]
    assert skipped == ["model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj", "lm_head"]


@pytest.mark.parametrize("quantization", ["torchao-int4", "torchao-float8-dynamic"])
def test_what_has_kernels_for_gpus_alone_is_refused_before_anything_is_loaded(quantization: str) -> None:
    nowhere = {"source": "path", "path": "/nowhere"}
    with pytest.raises(WorkerError, match=f"{quantization} needs a GPU") as caught:
        load(configuration(quantization, model=nowhere, device="cpu"), Devices.open())
    assert caught.value.code == "quantization-needs-gpu"


@pytest.mark.parametrize(("found", "told"), [(None, "has none"), ("0.1.0", "has 0.1.0")])
def test_a_library_that_is_missing_or_of_another_version_is_named(
    monkeypatch: pytest.MonkeyPatch, found: str | None, told: str
) -> None:
    monkeypatch.setattr(f"{requirements.__package__}.quantization.method.find_version", lambda _name: found)
    with pytest.raises(WorkerError, match=f"quanto-int8 needs optimum-quanto >=0.2.7,<0.3, and .* {told}") as caught:
        load(configuration("quanto-int8"), Devices.open())
    assert caught.value.code == "quantization-library-missing"


def test_layers_of_quanto_that_have_a_class_and_no_quantized_weight_are_not_quantized() -> None:
    from optimum.quanto import QLinear, qint8

    layer = QLinear.from_module(torch.nn.Linear(64, 32), weights=qint8)
    method = find_method({"method": "quanto"})
    assert method.recognize(layer) is None
    layer.freeze()
    assert method.recognize(layer) == "int8"


@pytest.mark.parametrize(
    ("asked", "looks"),
    [
        ({"method": "int8", "threshold": 6.0}, True),
        ({"method": "int8", "threshold": 0.0}, False),
        ({"method": "torchao", "type": "float8-dynamic"}, True),
        ({"method": "torchao", "type": "int8-dynamic"}, False),
        ({"method": "as-stored"}, True),
        ({"method": "none"}, False),
    ],
)
def test_a_method_tells_whether_rows_that_are_read_together_may_change_each_other(
    asked: dict[str, Any], looks: bool
) -> None:
    assert find_method(asked).looks_across_rows(asked) is looks


def test_one_scale_for_all_activations_is_the_default_of_float8_dynamic_alone() -> None:
    """That is why its rows change each other; int8 activations have one scale per row."""
    from torchao.quantization import Float8DynamicActivationFloat8WeightConfig
    from torchao.quantization.granularity import PerTensor

    assert set(map(type, Float8DynamicActivationFloat8WeightConfig().granularity)) == {PerTensor}
    torch.manual_seed(3)
    rows = torch.randn(4, 128, dtype=torch.bfloat16)
    asked = {"method": "torchao", "type": "int8-dynamic"}
    layer = find_method(asked).sample_layer(asked)
    alone = layer(rows)[:1]
    assert torch.equal(layer(torch.cat([rows[:1], 1000 * rows[1:]]))[:1], alone)


def test_doctor_tries_every_format_once() -> None:
    names = [name for method in METHODS for name in method.formats()]
    assert len(names) == len(set(names))
    assert set(_RUNS_HERE) <= set(names)
