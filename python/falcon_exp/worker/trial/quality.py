"""Scores one text on the loaded model: perplexity, and KL divergence and top-1 agreement against the reference.

The rule is llama.cpp's (tools/perplexity): the tokens are cut into windows of ``context`` that do not overlap, and each
window is read with nothing before it. Only the predictions in its second half are scored, all of which have at least
half a window to go by. A remainder shorter than a window is left out.

As many windows are read together as memory allows, whatever the context and the vocabulary (``window_logits``). They
are read one by one if one window may change what is computed for another (``Method.looks_across_rows``).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.devices.live_map import find_input_device
from falcon_exp.worker.devices.rss import release_unused
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.registry import find_method
from falcon_exp.worker.trial.cache_kinds import make_cache, refuse_unavailable_cache
from falcon_exp.worker.trial.context import read_context
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.trial.logprobs import LogprobsReader, LogprobsWriter, Stored
from falcon_exp.worker.trial.row_scores import RowScores, log_probabilities, precise_dtype, rows_at_once
from falcon_exp.worker.trial.window_logits import cached_logits, window_logits, windows_at_once
from falcon_exp.worker.wire_types import Cache, Logprobs, QualityBody

#: Tokens that are read into a cache at once while they are scored: the most that a quantized cache keeps unquantized.
_CACHED_STEP = 128


@dataclass(frozen=True)
class Windows:
    """The ids to feed, windows x context."""

    ids: torch.Tensor
    tokens: int
    bos_replaced: bool

    @property
    def count(self) -> int:
        """The number of windows."""
        return int(self.ids.shape[0])

    @property
    def context(self) -> int:
        """Tokens per window."""
        return int(self.ids.shape[1])

    @property
    def first_scored(self) -> int:
        """Position of the first token that is scored: the one predicted from position ``context // 2``."""
        return self.context // 2 + 1

    @property
    def scored(self) -> int:
        """Scored tokens in all windows together."""
        return self.count * (self.context - self.first_scored)

    def sha256(self) -> str:
        """Hashes the ids, so that only equal tokens are compared."""
        return hashlib.sha256(self.ids.numpy().astype("<i8").tobytes()).hexdigest()


def cut_windows(tokenizer: Any, text: str, context: int, max_tokens: int | None) -> Windows:
    """Cuts a text into windows. Raises WorkerError ``text-too-short`` if it does not fill one window."""
    ids = list(tokenizer(text)["input_ids"])
    if max_tokens is not None:
        ids = ids[:max_tokens]
    count = len(ids) // context
    if count == 0:
        raise WorkerError("text-too-short", f"The text has {len(ids)} tokens; a window has {context}.")
    windows = torch.tensor(ids[: count * context], dtype=torch.int64).reshape(count, context).clone()
    bos = tokenizer.bos_token_id
    replaces = bos is not None and len(ids) > 0 and ids[0] == bos
    if replaces:
        windows[:, 0] = bos
    return Windows(windows, len(ids), replaces)


def measure_quality(loaded: Loaded, request: QualityBody, on_window: Callable[[int, int], None]) -> dict[str, Any]:
    """Returns ``qualityMeasurementSchema`` of the wire format. ``on_window`` is told (windows done, windows in all).

    Raises WorkerError ``text-too-short``, ``prompt-too-long``, ``quality-disk-full`` or ``quality-not-finite``.
    """
    started = time.perf_counter()
    windows = cut_windows(loaded.tokenizer, request["text"], request["context"], request["max_tokens"])
    _check_context(loaded.model.config, windows.context)
    logprobs = request["logprobs"]
    reader, note = _reader(logprobs, windows)
    writer: LogprobsWriter | None = None
    logits_bytes = 0
    both_ways = request.get("kl") == "both" and reader is not None
    scores = RowScores(reader, lambda: _tokenizer_entries(loaded.tokenizer), both_ways=both_ways)
    cache = request.get("cache")
    refuse_unavailable_cache(loaded.model, cache)
    asked: Mapping[str, Any] = loaded.configuration["quantization"]
    is_alone = cache is not None or find_method(asked).looks_across_rows(asked)
    together = 1 if is_alone else windows_at_once(loaded.model, windows.context)
    over = 0
    for some in windows.ids.split(together):
        for logits, targets in _scored_chunks(loaded.model, some, windows.first_scored, cache, both_ways=both_ways):
            # The size of the whole slice that these rows are a part of.
            logits_bytes = max(logits_bytes, logits.untyped_storage().nbytes())
            rows = log_probabilities(logits)
            scores.add(rows, targets)
            if logprobs["mode"] == "write":
                writer = writer or LogprobsWriter(Path(logprobs["folder"]), windows.scored, rows.shape[-1])
                writer.add(rows)
            # Otherwise they would stay in memory while the next ones are made.
            del logits, rows
        over += len(some)
        on_window(over, windows.count)
    stored = None if writer is None else writer.close(windows.sha256())
    release_unused()
    return {
        "text_id": request["text_id"],
        "tokens": windows.tokens,
        "context": windows.context,
        "windows": windows.count,
        "first_scored": windows.first_scored,
        "bos_replaced": windows.bos_replaced,
        "token_ids_sha256": windows.sha256(),
        "token_nll": scores.token_nll,
        "against_reference": scores.against_reference(),
        "against_reference_note": note or scores.note,
        "stored": None if stored is None else _stored(stored),
        "cache": None if cache is None else type(make_cache(loaded.model, cache, 1)).__name__,
        "windows_at_once": min(together, windows.count),
        "logits_bytes": logits_bytes,
        "elapsed_sec": time.perf_counter() - started,
    }


def _stored(stored: Stored) -> dict[str, Any]:
    return {
        "bytes": stored.bytes,
        "positions": stored.positions,
        "vocabulary": stored.vocabulary,
        "largest_error_nats": stored.largest_error_nats,
    }


def _check_context(config: Any, context: int) -> None:
    longest = read_context(config)
    if longest is not None and context > longest:
        raise WorkerError(
            "prompt-too-long",
            f"A window has {context} tokens; the model's context is {longest}.",
            next_step=f"Lower quality.context to {longest} or less.",
        )


def _tokenizer_entries(tokenizer: Any) -> int:
    """Returns the columns that a model needs to have every token: ids may have gaps, so their number is not enough."""
    return max(tokenizer.get_vocab().values(), default=-1) + 1


def _reader(logprobs: Logprobs, windows: Windows) -> tuple[LogprobsReader | None, str | None]:
    """Returns the reference's log-probabilities, or why there is nothing to compare with."""
    if logprobs["mode"] == "write":
        return None, "this is the reference"
    if logprobs["mode"] == "none":
        return None, "the reference was not measured on this text"
    try:
        reader = LogprobsReader(Path(logprobs["folder"]))
    except FileNotFoundError:
        return None, "the reference was not measured on this text"
    if reader.token_ids_sha256 != windows.sha256():
        return None, "the reference reads this text as other tokens"
    return reader, None


def _scored_chunks(
    model: Any, windows: torch.Tensor, first_scored: int, cache: Cache | None, *, both_ways: bool
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields (logits, rows x vocabulary; actual tokens) at the windows' scored positions, in order, a few at a time."""
    ids = windows.to(find_input_device(model))
    scored = windows.shape[1] - first_scored
    targets = windows[:, first_scored:].flatten()
    done = 0
    slices = (
        window_logits(model, ids, scored)
        if cache is None
        else cached_logits(model, ids, scored, make_cache(model, cache, windows.shape[1]), _CACHED_STEP)
    )
    for logits in slices:
        came = targets[done : done + logits.shape[0]].to(logits.device)
        done += logits.shape[0]
        count = rows_at_once(logits.shape[-1], precise_dtype(logits.device).itemsize, both_ways=both_ways)
        yield from zip(logits.split(count), came.split(count), strict=True)
        # Otherwise they would stay in memory while the next slice is made.
        del logits
