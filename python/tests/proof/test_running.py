"""The proof holds for the model that runs, not only for the one that was loaded."""

from __future__ import annotations

import copy
from multiprocessing import Pipe
from typing import Any

import pytest
import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.verify_proof import verify_still_quantized
from falcon_exp.worker.trial.trial import TrialProcess
from tests.conftest import configuration, trial


def proof(layers: int, kind: str | None, **changes: Any) -> dict[str, Any]:
    effective = {"method": "none" if kind is None else "4bit", "type": kind, "double_quant": True, **changes}
    return {"quantized_linear_layers": layers, "quantization_effective": effective}


def test_layers_that_were_unpacked_at_the_first_forward_fail_the_proof() -> None:
    with pytest.raises(WorkerError, match="14 linear layers were quantized after the load, but only 3 since"):
        verify_still_quantized(proof(14, "nf4"), proof(3, "nf4"))
    with pytest.raises(WorkerError, match="were nf4 after the load, but are fp4 since"):
        verify_still_quantized(proof(14, "nf4"), proof(14, "fp4"))


def test_another_packing_of_the_same_type_is_no_failure() -> None:
    verify_still_quantized(proof(14, "nf4"), proof(14, "nf4", double_quant=False))
    verify_still_quantized(proof(0, None), proof(0, None))


class Unpacking(torch.nn.Module):  # type: ignore[misc]
    """Takes a quantized layer's place when it first runs, as libraries do that decompress at the first forward."""

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
    loaded.measurement["proof"] = copy.deepcopy(loaded.proof())
    parent.dense_h_to_4h = Unpacking(parent, "dense_h_to_4h")
    for _ in range(2):
        with pytest.raises(WorkerError, match="since the first forward pass"):
            process._generate(trial())
    ours.close()
