"""The figures of each scored position: how likely the actual token was, and how far away the reference is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.logprobs import LogprobsReader

#: Log-probabilities below this are kept and compared as this value: a token masked with minus infinity must not make a
#: divergence infinite, nor a row's steps coarse.
FLOOR_NATS = -100.0
#: The most that vocabulary-wide temporaries may take at once, apart from the logits themselves.
CHUNK_BYTES = 64_000_000
#: Vocabulary-wide copies of a chunk that exist at once. Comparing with a reference takes the model's log-probabilities,
#: the reference's values, and their normalized form while it is made. Writing the reference takes less:
#: log-probabilities, their codes before they are rounded to 16 bits, and the 16-bit codes.
LIVE_COPIES = 3


def rows_at_once(vocabulary: int, bytes_a_value: int, *, both_ways: bool = False) -> int:
    """Returns how many positions are scored together.

    It is the largest number for which ``LIVE_COPIES * rows * vocabulary * bytes_a_value`` is at most ``CHUNK_BYTES``
    (with ``both_ways``, one copy more); 1 if not even that fits, which takes a vocabulary of millions of entries.
    """
    copies = LIVE_COPIES + int(both_ways)
    return max(1, CHUNK_BYTES // (copies * vocabulary * bytes_a_value))


def precise_dtype(device: torch.device) -> torch.dtype:
    """The dtype that log-probabilities are computed in: float64, or float32 on MPS, which has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def log_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Returns the log-probabilities of rows of logits, rows x vocabulary, in ``precise_dtype``."""
    with torch.inference_mode():
        return torch.log_softmax(logits.to(precise_dtype(logits.device)), dim=-1)


def comparable_columns(reference: int, own: int, tokenizer_entries: int) -> int | None:
    """Returns how many columns of two vocabularies, from the first, are compared; None if they cannot be compared.

    If both are equally wide, all columns are compared, padding included, as both models' own softmax has them.
    Otherwise the columns that both have, provided that no token of the tokenizer is left out: the further columns of
    the wider one are then padding.
    """
    if reference == own:
        return own
    common = min(reference, own)
    return common if common >= tokenizer_entries else None


class RowScores:
    """The figures of all rows so far, one number per position."""

    def __init__(
        self, reader: LogprobsReader | None, tokenizer_entries: Callable[[], int], *, both_ways: bool = False
    ) -> None:
        """``tokenizer_entries`` is called if the reference's vocabulary is not as wide as the logits.

        ``both_ways``: compute the divergence of the reference from this model as well.
        """
        self._reader = reader
        self._both_ways = both_ways
        self._tokenizer_entries = tokenizer_entries
        self._columns = 0
        self.token_nll: list[float] = []
        self.kl_nats: list[float] = []
        self.kl_reverse_nats: list[float] = []
        self.top1_equal: list[int] = []
        #: Why nothing is compared although there is a reference.
        self.note: str | None = None

    def against_reference(self) -> dict[str, Any] | None:
        """Returns ``against_reference`` of the wire format; None if nothing is compared."""
        if self._reader is None:
            return None
        reverse = self.kl_reverse_nats if self._both_ways else None
        return {"kl_nats": self.kl_nats, "kl_reverse_nats": reverse, "top1_equal": self.top1_equal}

    def add(self, rows: torch.Tensor, targets: torch.Tensor) -> None:
        """Adds the next rows of ``log_probabilities`` and the actual tokens. Clamps lower values to ``FLOOR_NATS``.

        With a reference, ``rows`` is used up: its memory then holds the differences from the reference.

        Raises WorkerError ``quality-not-finite``.
        """
        with torch.inference_mode():
            self._add_nll(rows, targets)
            if self._reader is not None and self._columns == 0:
                self._decide_columns(self._reader, rows.shape[-1])
            if self._reader is None:
                rows.clamp_min_(FLOOR_NATS)
            else:
                self._compare(self._reader, rows)

    def _add_nll(self, rows: torch.Tensor, targets: torch.Tensor) -> None:
        nll = -rows.gather(-1, targets[:, None])[:, 0]
        if not bool(torch.isfinite(nll).all()):
            raise WorkerError("quality-not-finite", "The model returned log-probabilities that are NaN or infinite.")
        # A reader that looks at the sign would take -0.0 for a negative number.
        self.token_nll += [max(0.0, value) for value in nll.tolist()]

    def _decide_columns(self, reader: LogprobsReader, own: int) -> None:
        entries = 0 if reader.vocabulary == own else self._tokenizer_entries()
        columns = comparable_columns(reader.vocabulary, own, entries)
        if columns is None:
            self._reader = None
            self.note = (
                f"the reference has {reader.vocabulary} tokens to choose from, this model {own}, "
                f"and the tokenizer {entries}"
            )
        else:
            self._columns = columns

    def _compare(self, reader: LogprobsReader, rows: torch.Tensor) -> None:
        own = rows[:, : self._columns]
        top1 = own.argmax(dim=-1)
        if own.shape != rows.shape:
            own.sub_(own.logsumexp(dim=-1, keepdim=True))
        own.clamp_min_(FLOOR_NATS)
        reference, reference_top1 = reader.rows(len(self.kl_nats), rows.shape[0], rows, self._columns)
        differences = own.neg_().add_(reference)
        if self._both_ways:
            # The model's own log-probabilities again: the reference's minus the differences.
            reverse = torch.sub(reference, differences).exp_().mul_(differences).sum(dim=-1).neg_()
            self.kl_reverse_nats += [max(0.0, value) for value in reverse.tolist()]
        divergence = differences.mul_(reference.exp_()).sum(dim=-1)
        # Only rounding can make it negative.
        self.kl_nats += [max(0.0, value) for value in divergence.tolist()]
        self.top1_equal += (top1 == reference_top1).to(torch.int64).tolist()
