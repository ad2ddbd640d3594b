"""The share of decoding time outside the linear layers: quantization speeds up or slows down only what is in them."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import torch

from falcon_exp.worker.devices.memory import synchronize
from falcon_exp.worker.proof.proof import linear_modules
from falcon_exp.worker.trial.generation import generation_config
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.trial.prompts import fit_prompt, prepare_inputs


class _Stopwatch:
    """Sums the time between ``begin`` and ``end``; on CUDA by events, so that nothing is slowed down by waiting."""

    def __init__(self, on_cuda: bool) -> None:
        self._on_cuda = on_cuda
        self._begun: Any = None
        self._events: list[tuple[Any, Any]] = []
        self._sum_sec = 0.0

    def begin(self) -> None:
        if self._on_cuda:
            self._begun = torch.cuda.Event(enable_timing=True)
            self._begun.record()
        else:
            self._begun = time.perf_counter()

    def end(self) -> None:
        if self._on_cuda:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self._events.append((self._begun, event))
        else:
            self._sum_sec += time.perf_counter() - self._begun

    def seconds(self) -> float:
        return self._sum_sec + sum(float(begun.elapsed_time(ended)) for begun, ended in self._events) / 1e3


class _TimedForwards:
    """While entered: times each decoding forward of the model (the prefill left out), and the linear layers in it."""

    def __init__(self, model: Any) -> None:
        on_cuda = model.device.type == "cuda"
        head = model.get_output_embeddings()
        linears = linear_modules(model).values()
        self.forward = _Stopwatch(on_cuda)
        self.linear = _Stopwatch(on_cuda)
        self.head = _Stopwatch(on_cuda)
        self.steps = 0
        self._decodes = False
        self._handles: list[Any] = []
        self._watch(model, self.forward)
        for module in linears:
            self._watch(module, self.head if module is head else self.linear)
        self._handles.append(model.register_forward_pre_hook(self._on_forward, with_kwargs=True, prepend=True))

    def _on_forward(self, _module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        ids = kwargs.get("input_ids", args[0] if args else None)
        self._decodes = ids is not None and ids.shape[-1] == 1
        self.steps += int(self._decodes)

    def _watch(self, module: Any, stopwatch: _Stopwatch) -> None:
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


def profile(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """``profileMeasurementSchema`` of the wire format: one more ``generate``, its time taken apart and not counted."""
    model = loaded.model
    settings = generation_config(model, loaded.tokenizer, request["generation"])
    prompt = fit_prompt(loaded, request["prompt"], request["generation"])
    inputs, _ = prepare_inputs(loaded, prompt, request["generation"])
    with torch.inference_mode(), _TimedForwards(model) as timed:
        model.generate(**inputs, generation_config=settings)
        synchronize()
    return {
        "decode_steps": timed.steps,
        "forward_sec": timed.forward.seconds(),
        "linear_sec": timed.linear.seconds(),
        "head_sec": timed.head.seconds(),
    }
