"""``depth``: the number of tokens that are in the cache before a trial's clock starts, as in llama-bench.

``fill_depth(loaded, prompts, generation)`` reads them outside every clock; what is then measured is the prompt that
follows them and its answer. Each row is filled with its own prompt's text, repeated.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from falcon_exp.worker.devices.live_map import find_input_device
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.cache_kinds import make_cache
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.trial.prompts import FittedPrompt, repeat_to
from falcon_exp.worker.wire_types import Generation, Prompt

#: Tokens per forward pass, few enough to keep its temporary tensors small.
_STEP = 2048


@dataclass(frozen=True)
class FilledCache:
    """The tokens that precede a trial's prompts, already in a cache."""

    cache: Any
    #: Rows x tokens, on the device that the model reads them from.
    ids: torch.Tensor
    fill_sec: float


def fill_depth(loaded: Loaded, prompts: Sequence[FittedPrompt], generation: Generation) -> FilledCache | None:
    """Fills a cache with ``depth`` tokens per row; None without a depth.

    Raises WorkerError ``generation-invalid`` if the model keeps no keys and values.
    """
    depth = generation.get("depth")
    if depth is None:
        return None
    model = loaded.model
    parameters = inspect.signature(model.forward).parameters
    if "past_key_values" not in parameters or not model._supports_default_dynamic_cache():
        raise WorkerError(
            "generation-invalid", f"depth needs a cache of keys and values; {type(model).__name__} keeps none."
        )
    rows = [repeat_to(loaded.tokenizer, _text_of(prompt.content), depth) for prompt in prompts]
    ids = torch.tensor(rows, device=find_input_device(model))
    started = time.perf_counter()
    cache = make_cache(model, generation.get("cache"), loaded.cache_room.tokens)
    options = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
    with torch.inference_mode():
        for start in range(0, depth, _STEP):
            part = ids[:, start : start + _STEP]
            mask = torch.ones_like(ids[:, : start + part.shape[1]])
            model(input_ids=part, attention_mask=mask, past_key_values=cache, use_cache=True, **options)
    loaded.devices.synchronize()
    return FilledCache(cache, ids, time.perf_counter() - started)


def put_behind(filled: FilledCache | None, inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Returns the inputs of ``generate``: all tokens, and the cache that already holds the first of them."""
    if filled is None:
        return dict(inputs)
    before = {"input_ids": filled.ids, "attention_mask": torch.ones_like(filled.ids)}
    joined = {name: torch.cat([before[name], tensor], dim=1) for name, tensor in inputs.items()}
    return {**joined, "past_key_values": filled.cache}


@contextmanager
def given_cache_alone(model: Any, filled: FilledCache | None) -> Iterator[None]:
    """Ignores the cache that the model's own files ask for, beside which ``generate`` would refuse the filled one."""
    settings = model.generation_config
    own = settings.cache_implementation
    if filled is not None:
        settings.cache_implementation = None
    try:
        yield
    finally:
        settings.cache_implementation = own


def _text_of(content: Prompt) -> str:
    return content if isinstance(content, str) else "\n\n".join(message["content"] for message in content)
