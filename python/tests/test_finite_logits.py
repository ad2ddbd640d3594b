"""Nothing that is no answer is measured as one."""

from __future__ import annotations

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from tests.conftest import configuration, trial


@pytest.fixture
def loaded() -> Loaded:
    return load(configuration(), Devices.open())


def _spoil(loaded: Loaded, value: float) -> None:
    with torch.no_grad():
        loaded.model.get_output_embeddings().weight.fill_(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_fail_the_first_generation(loaded: Loaded, value: float) -> None:
    _spoil(loaded, value)
    with pytest.raises(WorkerError) as caught:
        measure(loaded, trial(), lambda _tokens: None)
    assert caught.value.code == "logits-not-finite"
    assert "chosen from nothing" in caught.value.message


def test_logits_that_overflow_later_are_found_by_what_they_say(loaded: Loaded) -> None:
    measure(loaded, trial(), lambda _tokens: None)
    _spoil(loaded, float("nan"))
    with pytest.raises(WorkerError) as caught:
        measure(loaded, trial(), lambda _tokens: None)
    assert caught.value.code == "logits-not-finite"


def test_a_vocabulary_that_is_padded_with_minus_infinity_is_none_the_worse(loaded: Loaded) -> None:
    head = loaded.model.get_output_embeddings()
    head.register_forward_hook(lambda _module, _inputs, logits: logits.index_fill(-1, torch.tensor([383]), -torch.inf))
    assert measure(loaded, trial(), lambda _tokens: None)["output_tokens"] == 6
