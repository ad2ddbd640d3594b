"""The clock and the peak do not disturb each other, and the profile times what it says it times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.devices.model_devices import DevicePeak, ModelDevices
from falcon_exp.worker.devices.rapl import Rapl
from falcon_exp.worker.devices.stopwatch import HostStopwatch
from falcon_exp.worker.proof.generate_facts import GenerateFacts
from falcon_exp.worker.trial import generation as generation_module
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.profiling import profile
from tests.conftest import configuration, generation, trial


class NotedDevices(ModelDevices):
    """Records the order of the calls it gets."""

    def __init__(self) -> None:
        super().__init__(None, [], Rapl())
        self.calls: list[str] = []
        self.timed: list[torch.device] = []

    def synchronize(self) -> None:
        self.calls.append("synchronize")

    def reset_peaks(self) -> None:
        self.calls.append("reset_peaks")

    def release_cached(self) -> None:
        self.calls.append("release_cached")

    def read_peak(self) -> DevicePeak:
        self.calls.append("read_peak")
        return DevicePeak(7, [7], 9)

    def make_stopwatch(self, device: Any) -> HostStopwatch:
        self.timed.append(device)
        return HostStopwatch()


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(configuration(), Devices.open())


def test_a_timed_generate_resets_the_peaks_and_leaves_the_allocators_cache_alone(loaded: Loaded) -> None:
    devices = NotedDevices()
    measured = measure(replace(loaded, devices=devices), trial(), lambda _: None)
    assert devices.calls == ["reset_peaks", "synchronize", "synchronize", "read_peak"]
    assert (measured["peak_memory_allocated_bytes"], measured["peak_memory_reserved_bytes"]) == (7, 9)


def test_what_the_first_forward_pass_leaves_to_malloc_is_given_back_in_that_generate_and_in_no_other(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = 0
    given_back_at: list[int] = []
    monkeypatch.setattr(generation_module, "trim_heap", lambda: given_back_at.append(tokens))

    def on_token(count: int) -> None:
        nonlocal tokens
        tokens = count

    fresh = replace(loaded, facts=GenerateFacts())
    measure(fresh, trial(), on_token)
    # After the forward pass that repacks weights, and before the first token is reported.
    assert given_back_at == [0]
    measure(fresh, trial(), on_token)
    assert given_back_at == [0]


def test_the_allocators_cache_is_emptied_once_after_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = NotedDevices()
    devices = Devices(None, Rapl())
    monkeypatch.setattr(devices, "bind", lambda *_: noted)
    load(configuration(), devices)
    assert noted.calls == ["synchronize", "read_peak", "release_cached"]


@pytest.mark.parametrize("prompt", ["", "What is a falcon?"])
def test_the_prefill_is_no_decoding_step_also_of_a_prompt_of_one_token(loaded: Loaded, prompt: str) -> None:
    devices = NotedDevices()
    request: Any = {"prompt": prompt, "generation": generation(max_new_tokens=5, min_new_tokens=5)}
    measured = profile(replace(loaded, devices=devices), request)
    # The first of the five tokens comes from the prefill.
    assert measured["decode_steps"] == 4
    assert set(devices.timed) == {torch.device("cpu")}
    assert 0 < measured["linear_sec"] < measured["forward_sec"]
