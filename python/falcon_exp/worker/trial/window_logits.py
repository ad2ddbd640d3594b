"""The logits of one window, a bounded number of positions at a time.

A model's body runs once over the window. Its output is small; the head is what widens it to the vocabulary, and at
8,192 tokens and 256,000 entries that is gigabytes. Where they exceed ``LOGITS_BYTES``, the body's output is kept and
the model's own code after the body (head, scaling, soft caps) runs over it again and again, a slice of the positions at
a time.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

#: The most that the logits of one slice may take, each counted as 4 bytes whatever the dtype, so that all
#: configurations of a model are sliced alike. A head in 16 bits takes half of it, a copy that its model makes as much.
LOGITS_BYTES = 256_000_000
_BYTES_A_LOGIT = 4


def window_logits(model: Any, ids: torch.Tensor, scored: int, most_bytes: int = LOGITS_BYTES) -> Iterator[torch.Tensor]:
    """Logits at the ``scored`` positions before a window's last one, in order: each positions x vocabulary.

    ``ids`` is 1 x context, where the model reads it. A slice holds at most ``most_bytes`` (see ``LOGITS_BYTES``), but
    always one position, and the slices of a window are equally long but for one position. Not sliced is a model whose
    ``forward`` has no ``logits_to_keep``, or whose body is not a module that it calls once: its logits come whole, all
    ``context`` positions where it has no ``logits_to_keep``, else ``scored + 1``.

    A slice's logits are those of the whole, but for the last bit of the head's own dtype: a matrix product of another
    height may add up in another order.
    """
    takes_kept = "logits_to_keep" in inspect.signature(model.forward).parameters
    slices = -(-scored * _head_width(model) * _BYTES_A_LOGIT // most_bytes)
    if takes_kept and slices > 1:
        body = model.base_model
        output = None if body is model else _body_output(model, body, ids)
        if output is not None:
            yield from _sliced(model, body, output, ids, scored, min(slices, scored))
            return
    yield _whole(model, ids, scored, takes_kept)


def _whole(model: Any, ids: torch.Tensor, scored: int, takes_kept: bool) -> torch.Tensor:
    options = {"logits_to_keep": scored + 1} if takes_kept else {}
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=ids, use_cache=False, **options).logits[0, -scored - 1 : -1]
    return logits


def _head_width(model: Any) -> int:
    """Columns of the logits, as far as can be told before there are any."""
    width = getattr(model.get_output_embeddings(), "out_features", None)
    return int(width or model.config.get_text_config().vocab_size)


def _body_output(model: Any, body: Any, ids: torch.Tensor) -> Any:
    """What the body gives for the window; None where the model does not call it once, or it gives no hidden states."""
    seen: list[Any] = []
    handle = body.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        with torch.inference_mode():
            model(input_ids=ids, use_cache=False, logits_to_keep=1)
    finally:
        handle.remove()
    hidden = _hidden(seen[0]) if len(seen) == 1 else None
    return seen[0] if hidden is not None and hidden.shape[:2] == ids.shape else None


def _hidden(output: Any) -> torch.Tensor | None:
    if not isinstance(output, tuple) and not dataclasses.is_dataclass(output):
        return None
    first = output[0] if isinstance(output, tuple) else getattr(output, "last_hidden_state", None)
    return first if isinstance(first, torch.Tensor) and first.ndim == 3 else None


def _with_hidden(output: Any, hidden: torch.Tensor) -> Any:
    if isinstance(output, tuple):
        return (hidden, *output[1:])
    return dataclasses.replace(output, last_hidden_state=hidden)


def _sliced(model: Any, body: Any, output: Any, ids: torch.Tensor, scored: int, slices: int) -> Iterator[torch.Tensor]:
    hidden = _hidden(output)
    assert hidden is not None
    first = ids.shape[1] - 1 - scored
    edges = [first + scored * number // slices for number in range(slices + 1)]
    for start, stop in pairwise(edges):
        yield _after_body(model, body, _with_hidden(output, hidden[:, start:stop]), ids[:, start:stop])


def _after_body(model: Any, body: Any, output: Any, ids: torch.Tensor) -> torch.Tensor:
    """The model's logits where its body gives ``output``."""
    # accelerate puts a forward of its own on the module.
    own = body.__dict__.get("forward")
    body.forward = lambda *_args, **_options: output
    try:
        with torch.inference_mode():
            logits: torch.Tensor = model(input_ids=ids, use_cache=False, logits_to_keep=0).logits[0]
    finally:
        if own is None:
            del body.forward
        else:
            body.forward = own
    return logits
