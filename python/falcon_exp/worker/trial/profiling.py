"""Measures the share of decoding time outside the linear layers: quantization changes only the time spent in them."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import torch

from falcon_exp.worker.devices.accelerator import Stopwatch
from falcon_exp.worker.devices.live_map import find_compute_device
from falcon_exp.worker.devices.model_devices import ModelDevices
from falcon_exp.worker.proof.linear_modules import linear_modules
from falcon_exp.worker.trial.batch import find_row_limits, prepare_batch
from falcon_exp.worker.trial.depth import fill_depth
from falcon_exp.worker.trial.drafts import expect_drafts
from falcon_exp.worker.trial.generation import TokenClock, count_tokens_before, find_stops, generate, prepare_settings
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.trial.prompts import fit_prompts
from falcon_exp.worker.wire_types import Generation, ProfileBody, ProfileMeasurement


class _StopwatchPerDevice:
    """One stopwatch per device: layers of a model spread over several cards are timed on the card that runs them."""

    def __init__(self, devices: ModelDevices) -> None:
        self._devices = devices
        self._stopwatches: dict[torch.device, Stopwatch] = {}

    def get(self, device: torch.device) -> Stopwatch:
        if device not in self._stopwatches:
            self._stopwatches[device] = self._devices.make_stopwatch(device)
        return self._stopwatches[device]

    def read_sec(self) -> float:
        return sum(stopwatch.read_sec() for stopwatch in self._stopwatches.values())


class _TimedForwards:
    """While entered, times each decoding forward pass of the model (not the prefill), and the linear layers in it."""

    def __init__(self, model: Any, devices: ModelDevices) -> None:
        head = model.get_output_embeddings()
        self.forward = devices.make_forward_stopwatch()
        self.linear = _StopwatchPerDevice(devices)
        self.head = _StopwatchPerDevice(devices)
        self.steps = 0
        self._forwards = 0
        self._decodes = False
        self._handles: list[Any] = []
        self._watch(model, self.forward)
        for module in linear_modules(model).values():
            stopwatch = (self.head if module is head else self.linear).get(find_compute_device(module))
            self._watch(module, stopwatch)
        self._handles.append(model.register_forward_pre_hook(self._on_forward, prepend=True))

    def _on_forward(self, *_: Any) -> None:
        """Counts forward passes; the first one of a generate is the prefill, even if the prompt has only one token."""
        self._forwards += 1
        self._decodes = self._forwards > 1
        self.steps += int(self._decodes)

    def _watch(self, module: Any, stopwatch: Stopwatch) -> None:
        def before(*_: Any) -> None:
            if self._decodes:
                stopwatch.begin()

        def after(*_: Any) -> None:
            if self._decodes:
                stopwatch.end()

        self._handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]

    def __enter__(self) -> _TimedForwards:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()


def profile(loaded: Loaded, request: ProfileBody) -> ProfileMeasurement:
    """Returns ``profileMeasurementSchema`` for one more ``generate``, whose time is broken down and not counted."""
    # Not above, because it imports what may start an accelerator's driver (trial/preload.py).
    from transformers import set_seed

    model = loaded.model
    generation = request["generation"]
    # Hooks would make a compiled forward pass compile again, so layers are timed uncompiled. ``none`` is set explicitly
    # because a static cache, which the model's own files may ask for as well, makes the library compile unasked.
    uncompiled: Generation = {**generation, "compile": "none"}
    prompts = fit_prompts(loaded, request)
    batch = prepare_batch(loaded, prompts, generation)
    filled = fill_depth(loaded, prompts, generation)
    limits = find_row_limits(prompts, generation)
    settings = prepare_settings(loaded, uncompiled, filled, limits)
    drafting = loaded.assistant.options(generation)
    drafts = expect_drafts(settings, drafting)
    # Rows end where those of the trials do.
    stops = find_stops(loaded, generation)
    clock = TokenClock(count_tokens_before(batch, filled), lambda _tokens: None, limits, stops)
    set_seed(generation["seed"])
    with torch.inference_mode(), _TimedForwards(model, loaded.devices) as timed:
        generate(model, settings, {**batch.inputs, **drafting}, clock, filled, drafts=drafts)
        loaded.devices.synchronize()
    return {
        "decode_steps": timed.steps,
        "forward_sec": timed.forward.read_sec(),
        "linear_sec": timed.linear.read_sec(),
        "head_sec": timed.head.read_sec(),
    }
