"""The logits of windows that are read together, a bounded number of positions at a time.

A model's body runs once over the windows. Its output is small, but the head widens it to the vocabulary, which takes
gigabytes at 8,192 tokens and 256,000 entries. If the logits exceed ``LOGITS_BYTES``, the body's output is kept, and the
model's own code after the body (head, scaling, soft caps) runs over it repeatedly, for some windows or a slice of one
window's positions at a time.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

#: The most that the logits of one slice may take, each counted as 4 bytes whatever the dtype, so that all
#: configurations of a model are sliced alike. A head in 16 bits takes half, and a copy that its model makes as much.
LOGITS_BYTES = 256_000_000
_BYTES_A_LOGIT = 4
#: The most that a layer's results may take for all windows that are read together, each number counted as 4 bytes; a
#: single window is read whole, whatever it takes.
BODY_BYTES = 256_000_000
#: Limits how many windows are read together, because eager attention may take more memory with each row.
_MOST_WINDOWS = 64


def windows_at_once(model: Any, context: int) -> int:
    """Returns how many windows are read together: as many as ``BODY_BYTES`` and the widest layer allow, 1 to 64.

    A token takes four hidden states and two inner states of the feed-forward part (as in the estimate), and with eager
    attention two scores for each token of its window and each head.
    """
    config = model.config.get_text_config()
    hidden = int(getattr(config, "hidden_size", 0) or 4096)
    inner = int(getattr(config, "intermediate_size", None) or 4 * hidden)
    numbers = 4 * hidden + 2 * inner
    if getattr(model.config, "_attn_implementation", None) == "eager":
        numbers += 2 * context * int(getattr(config, "num_attention_heads", None) or 32)
    return max(1, min(_MOST_WINDOWS, BODY_BYTES // (_BYTES_A_LOGIT * numbers * context)))


def window_logits(model: Any, ids: torch.Tensor, scored: int, most_bytes: int = LOGITS_BYTES) -> Iterator[torch.Tensor]:
    """Yields logits at the ``scored`` positions before each window's last one, in order: each positions x vocabulary.

    ``ids`` is windows x context, on the device that the model reads it from. A slice holds at most ``most_bytes`` (see
    ``LOGITS_BYTES``), but at least one position. It consists of whole windows if they fit; otherwise the slices of a
    window differ in length by at most one position. A model is not sliced if its ``forward`` has no ``logits_to_keep``,
    or if its body is not a module that it calls exactly once: it then reads one window at a time, and its logits are
    made at once, for all ``context`` positions if it has no ``logits_to_keep``, else for ``scored + 1``.

    A slice's logits are those of the whole, except for the last bit of the head's own dtype: a matrix product of
    another height may add up in another order.
    """
    takes_kept = "logits_to_keep" in inspect.signature(model.forward).parameters
    window_bytes = scored * _head_width(model) * _BYTES_A_LOGIT
    if takes_kept and len(ids) * window_bytes > most_bytes:
        body = model.base_model
        output = None if body is model else _body_output(model, body, ids)
        if output is not None:
            yield from _sliced(model, body, output, ids, scored, window_bytes, most_bytes)
            return
    together = len(ids) if takes_kept and len(ids) * window_bytes <= most_bytes else 1
    for windows in ids.split(together):
        yield _whole(model, windows, scored, takes_kept)


def cached_logits(model: Any, ids: torch.Tensor, scored: int, cache: Any, step: int) -> Iterator[torch.Tensor]:
    """Yields the same for one window (1 x context) read through ``cache``, from keys and values as it keeps them.

    The tokens before the scored positions are read at once, the scored ones ``step`` at a time, like a long answer.
    """
    first = ids.shape[1] - 1 - scored
    edges = [0, *range(first, ids.shape[1] - 1, step), ids.shape[1] - 1]
    takes_kept = "logits_to_keep" in inspect.signature(model.forward).parameters
    for start, stop in pairwise(edges):
        kept = {"logits_to_keep": 1} if takes_kept and start < first else {}
        with torch.inference_mode():
            mask = torch.ones_like(ids[:, :stop])
            part = ids[:, start:stop]
            logits = model(input_ids=part, attention_mask=mask, past_key_values=cache, use_cache=True, **kept).logits
        if start >= first:
            yield logits[0]
        # Otherwise they would stay in memory while the next ones are made.
        del logits


def _whole(model: Any, ids: torch.Tensor, scored: int, takes_kept: bool) -> torch.Tensor:
    options = {"logits_to_keep": scored + 1} if takes_kept else {}
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=ids, use_cache=False, **options).logits[:, -scored - 1 : -1]
    return logits.flatten(0, 1) if len(ids) > 1 else logits[0]


def _head_width(model: Any) -> int:
    """Returns the number of columns of the logits, as far as it is known before there are any."""
    width = getattr(model.get_output_embeddings(), "out_features", None)
    return int(width or model.config.get_text_config().vocab_size)


def _body_output(model: Any, body: Any, ids: torch.Tensor) -> Any:
    """Returns the body's output; None if the model does not call it exactly once, or it gives no hidden states."""
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


def _sliced(
    model: Any, body: Any, output: Any, ids: torch.Tensor, scored: int, window_bytes: int, most_bytes: int
) -> Iterator[torch.Tensor]:
    hidden = _hidden(output)
    assert hidden is not None
    first = ids.shape[1] - 1 - scored
    slices = min(scored, -(-window_bytes // most_bytes))
    edges = [first + scored * number // slices for number in range(slices + 1)]
    together = max(1, most_bytes // window_bytes)
    for row in range(0, len(ids), together):
        rows = slice(row, row + together)
        for start, stop in pairwise(edges):
            part = _with_hidden(output, hidden[rows, start:stop])
            yield _after_body(model, body, part, ids[rows, start:stop]).flatten(0, 1)


def _after_body(model: Any, body: Any, output: Any, ids: torch.Tensor) -> torch.Tensor:
    """Returns the model's logits if its body gives ``output``."""
    # accelerate puts a forward of its own on the module.
    own = body.__dict__.get("forward")
    body.forward = lambda *_args, **_options: output
    try:
        with torch.inference_mode():
            logits: torch.Tensor = model(input_ids=ids, use_cache=False, logits_to_keep=0).logits
    finally:
        if own is None:
            del body.forward
        else:
            body.forward = own
    return logits
