"""Which device a model's inputs belong on, however its weights are spread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from accelerate import cpu_offload
from accelerate.hooks import AlignDevicesHook, SequentialHook

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.devices.live_map import find_input_device
from falcon_exp.worker.trial.batch import prepare_batch
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.prompts import fit_prompt
from falcon_exp.worker.trial.quality import measure_quality
from tests.conftest import configuration, generation, trial


def test_a_model_whose_weights_are_offloaded_reads_its_inputs_where_it_computes() -> None:
    loaded = load(configuration(), Devices.open())
    whole = measure(loaded, trial(), lambda _tokens: None)
    offloaded = replace(loaded, model=cpu_offload(loaded.model, execution_device=torch.device("cpu")))
    # ``model.device`` is misleading here: it is the device of a weight that is not in memory.
    assert offloaded.model.device.type == "meta"
    assert find_input_device(offloaded.model).type == "cpu"
    batch = prepare_batch(offloaded, [fit_prompt(offloaded, "hello", generation())], generation())
    assert {tensor.device.type for tensor in batch.inputs.values()} == {"cpu"}
    assert measure(offloaded, trial(), lambda _tokens: None)["output_ids"] == whole["output_ids"]
    request: Any = {"text_id": "t", "text": "x" * 64, "context": 32, "max_tokens": None, "logprobs": {"mode": "none"}}
    assert len(measure_quality(offloaded, request, lambda *_: None)["token_nll"]) == 30


def test_a_model_that_does_not_name_its_embedding_is_asked_as_a_whole() -> None:
    class Model(torch.nn.Linear):  # type: ignore[misc]
        def get_input_embeddings(self) -> None:
            raise NotImplementedError

    model = Model(2, 2, device="meta")
    assert find_input_device(model).type == "meta"
    model._hf_hook = AlignDevicesHook(execution_device="cuda:1")
    assert str(find_input_device(model)) == "cuda:1"


@pytest.mark.parametrize(("place", "found"), [(1, "cuda:1"), ("cuda:0", "cuda:0"), (torch.device("cpu"), "cpu")])
def test_the_hook_of_the_input_embedding_says_where_it_is_computed(place: int | str | torch.device, found: str) -> None:
    class Model(torch.nn.Module):  # type: ignore[misc]
        device = torch.device("cpu")

        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(4, 2)

        def get_input_embeddings(self) -> torch.nn.Module:
            return self.embedding

    model = Model()
    assert find_input_device(model).type == "cpu"
    hook = AlignDevicesHook(execution_device=place, offload=True)
    model.embedding._hf_hook = SequentialHook(hook)
    assert str(find_input_device(model)) == found
