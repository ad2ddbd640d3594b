"""When a token counts as known, whether or not the library passes it on immediately."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers.generation.utils import DeferredStopCheck

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from tests.conftest import configuration, trial


@pytest.fixture
def loaded() -> Loaded:
    return load(configuration(), Devices.open())


class NoEvent:
    """A CPU has no events, and nothing to wait for."""

    def __init__(self, **_options: Any) -> None:
        """Takes what torch.Event takes."""

    def record(self) -> None:
        """Nothing to note."""

    def synchronize(self) -> None:
        """Nothing to wait for."""


@pytest.fixture
def deferred(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library checks one step late whether an answer has ended, as it does on MPS."""
    monkeypatch.setattr(DeferredStopCheck, "is_supported", staticmethod(lambda *_args, **_options: True))
    monkeypatch.setattr(torch, "Event", NoEvent)


def _forwards_at_each_token(loaded: Loaded) -> tuple[dict[str, Any], list[tuple[int, int]]]:
    forwards: list[int] = []
    seen: list[tuple[int, int]] = []
    handle = loaded.model.register_forward_pre_hook(lambda *_: forwards.append(1))
    measured = measure(loaded, trial(), lambda tokens: seen.append((tokens, len(forwards))))
    handle.remove()
    return measured, seen


def test_a_token_is_known_before_the_next_forward_pass(loaded: Loaded) -> None:
    measured, seen = _forwards_at_each_token(loaded)
    assert seen == [(token, token) for token in range(1, 7)]
    assert len(measured["itl_sec"]) == 5


@pytest.mark.usefixtures("deferred")
def test_a_token_is_known_before_the_next_forward_pass_where_the_library_hands_it_on_late(loaded: Loaded) -> None:
    measured, seen = _forwards_at_each_token(loaded)
    assert seen == [(token, token) for token in range(1, 7)]
    assert len(measured["itl_sec"]) == 5


@pytest.mark.usefixtures("deferred")
def test_a_token_that_is_made_and_taken_back_has_no_time(loaded: Loaded) -> None:
    # Sampled, because the most likely token of such a small model is always the same.
    drawn = trial(sampling="sample", temperature=1.0, min_new_tokens=None)
    whole = measure(loaded, drawn, lambda _tokens: None)
    third = whole["output_ids"][2]
    assert third not in whole["output_ids"][:2]
    loaded.model.generation_config.eos_token_id = third
    forwards: list[int] = []
    loaded.model.register_forward_pre_hook(lambda *_: forwards.append(1))
    measured = measure(loaded, drawn, lambda _tokens: None)
    # One more than there are tokens: the library really was late.
    assert len(forwards) == 4
    assert (measured["output_tokens"], measured["finish_reason"]) == (3, "eos")
    assert len(measured["itl_sec"]) == 2
