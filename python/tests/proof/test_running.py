"""The proof holds for the model that runs, not only for the one that was loaded."""

from __future__ import annotations

from multiprocessing import Pipe
from typing import Any

import pytest
import torch
from bitsandbytes.functional import has_avx512bf16

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError, error_body
from falcon_exp.worker.proof.verify_proof import RUNNING, verify
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.trial import TrialProcess
from tests.conftest import configuration, trial
from tests.proof.tiny_models import tiny_model


def _run(loaded: Loaded) -> dict[str, Any]:
    with torch.inference_mode():
        loaded.model(torch.arange(3, 9).unsqueeze(0))
    return loaded.proof().body


@pytest.mark.skipif(not has_avx512bf16(), reason="this CPU's kernel leaves 4-bit layers as they are")
def test_what_the_cpu_kernel_decides_is_told_as_it_is() -> None:
    loaded = load(configuration("nf4-double", model=tiny_model("llama")), Devices.open())
    at_load = loaded.measurement["proof"]
    assert at_load["quantization_effective"]["double_quant"] is True
    assert at_load["quantization_effective"]["compute_dtype"] == "float32"
    running = _run(loaded)
    assert running["quantization_effective"]["double_quant"] is False
    assert running["quantization_effective"]["compute_dtype"] == "bfloat16"
    assert running["weights_bytes"] != at_load["weights_bytes"]
    # What the kernel decides is not an error of the configuration; any other difference still is.
    loaded.verify_running()
    asked = configuration("nf4-double")
    asked["quantization"]["type"] = "fp4"
    with pytest.raises(WorkerError, match="with type fp4, but the layers have nf4 since the first forward pass"):
        verify(loaded.proof(), asked, dtype="bfloat16", when=RUNNING)


def test_settings_that_no_kernel_decided_must_be_as_asked_with_the_names_of_layers() -> None:
    loaded = load(configuration("fp4"), Devices.open())
    asked = configuration("fp4")
    asked["quantization"]["double_quant"] = True
    with pytest.raises(WorkerError, match="with double_quant True, but the layers have False") as caught:
        verify(loaded.proof(), asked, dtype="bfloat16")
    assert "transformer.h.0.self_attention.query_key_value" in caught.value.message
    assert caught.value.message.endswith("and 3 more.")
    assert (
        caught.value.next_step
        == "If the model's files were quantized that way, ask for what they contain: double_quant: false."
    )


class Unpacking(torch.nn.Module):  # type: ignore[misc]
    """Replaces a quantized layer by a plain one when it first runs, like libraries that decompress only then."""

    def __init__(self, parent: torch.nn.Module, name: str) -> None:
        super().__init__()
        self._parent = [parent]
        self._name = name
        self._layer = [getattr(parent, name)]

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        layer = self._layer[0]
        result = layer(hidden)
        plain = torch.nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
        setattr(self._parent[0], self._name, plain.to(hidden.dtype))
        return result


def test_a_model_that_unpacks_itself_when_it_runs_is_never_a_data_point() -> None:
    ours, theirs = Pipe()
    process = TrialProcess(theirs)
    process._load({"configuration": configuration("fp4")})
    loaded = process._loaded
    assert loaded is not None
    parent = loaded.model.transformer.h[0].mlp
    parent.dense_h_to_4h = Unpacking(parent, "dense_h_to_4h")
    for _ in range(2):
        with pytest.raises(
            WorkerError, match="7 of 9 linear layers are quantized since the first forward pass"
        ) as caught:
            process._generate(trial())
        assert "not: transformer.h.0.mlp.dense_h_to_4h" in caught.value.message
    ours.close()


def test_layers_that_the_library_left_out_are_named_with_what_to_write() -> None:
    loaded = load(configuration("fp4"), Devices.open())
    for block in loaded.model.transformer.h:
        layer = block.mlp.dense_h_to_4h
        block.mlp.dense_h_to_4h = torch.nn.Linear(layer.in_features, layer.out_features, bias=False)
    with pytest.raises(WorkerError, match=r"not: transformer\.h\.0\.mlp\.dense_h_to_4h, transformer\.h\.1") as caught:
        verify(loaded.proof(), configuration("fp4"), dtype="bfloat16")
    assert caught.value.code == "quantization-mismatch"
    assert caught.value.next_step == "If these layers are to stay unquantized: skip_modules: [dense_h_to_4h]"
    assert error_body(caught.value, "load")["next"] == caught.value.next_step
