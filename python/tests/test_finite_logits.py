"""An answer that comes from meaningless logits is never measured."""

from __future__ import annotations

from unittest import mock

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial import finite_logits
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from tests.conftest import configuration, trial


@pytest.fixture
def loaded() -> Loaded:
    return load(configuration(), Devices.open())


def _spoil(loaded: Loaded, value: float) -> None:
    with torch.no_grad():
        loaded.model.get_output_embeddings().weight.fill_(value)


@pytest.mark.parametrize("phase", ["warmup", "measure"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_fail_the_first_generation(loaded: Loaded, value: float, phase: str) -> None:
    _spoil(loaded, value)
    with pytest.raises(WorkerError) as caught:
        measure(loaded, trial(phase=phase), lambda _tokens: None)
    assert caught.value.code == "logits-not-finite"
    assert "so its tokens mean nothing" in caught.value.message


@pytest.mark.parametrize(("phase", "passes"), [("warmup", 6), ("measure", 7)])
def test_a_warm_up_needs_no_forward_pass_to_find_out_that_its_logits_are_numbers(
    loaded: Loaded, phase: str, passes: int
) -> None:
    seen = []
    loaded.model.register_forward_hook(lambda *_: seen.append(1))
    measure(loaded, trial(phase=phase), lambda _tokens: None)
    assert len(seen) == passes


@pytest.mark.parametrize("settings", [{"num_beams": 2}, {"prompt_lookup_num_tokens": 2}])
def test_where_no_row_of_logits_is_an_answers_own_a_forward_pass_tells(
    loaded: Loaded, settings: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = mock.Mock(side_effect=finite_logits._read_last_logits)
    monkeypatch.setattr(finite_logits, "_read_last_logits", read)
    measure(loaded, trial("What is a falcon?", "warmup", **settings), lambda _tokens: None)
    read.assert_called_once()


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
