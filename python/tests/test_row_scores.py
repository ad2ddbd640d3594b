"""The number of positions that are scored together does not change any figure."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.logprobs import LogprobsReader, LogprobsWriter
from falcon_exp.worker.trial.row_scores import (
    CHUNK_BYTES,
    LIVE_COPIES,
    RowScores,
    comparable_columns,
    log_probabilities,
    precise_dtype,
    rows_at_once,
)

_POSITIONS = 40
_VOCABULARY = 3_001


def _logits(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(_POSITIONS, _VOCABULARY, generator=generator) * 4


def _stored(folder: Path) -> LogprobsReader:
    writer = LogprobsWriter(folder, _POSITIONS, _VOCABULARY)
    writer.add(log_probabilities(_logits(1)))
    writer.close("ab12")
    return LogprobsReader(folder)


def _scores(reader: LogprobsReader, rows: int, *, both_ways: bool = False) -> RowScores:
    scores = RowScores(reader, lambda: _VOCABULARY, both_ways=both_ways)
    targets = torch.arange(_POSITIONS)
    for logits, came in zip(_logits(2).split(rows), targets.split(rows), strict=True):
        scores.add(log_probabilities(logits), came)
    return scores


@pytest.mark.parametrize("rows", [1, 7, 32])
def test_scores_of_a_few_rows_at_a_time_are_those_of_all_at_once(tmp_path: Path, rows: int) -> None:
    reader = _stored(tmp_path)
    at_once, in_chunks = _scores(reader, _POSITIONS), _scores(reader, rows)
    assert in_chunks.token_nll == at_once.token_nll
    assert in_chunks.kl_nats == pytest.approx(at_once.kl_nats, rel=1e-12, abs=1e-12)
    assert in_chunks.top1_equal == at_once.top1_equal


def test_divergences_are_those_of_the_definition(tmp_path: Path) -> None:
    scores = _scores(_stored(tmp_path), _POSITIONS)
    reference, own = (torch.log_softmax(_logits(seed).double(), dim=-1) for seed in (1, 2))
    divergences = (reference.exp() * (reference - own)).sum(dim=-1)
    assert scores.kl_nats == pytest.approx(divergences.tolist(), rel=1e-4)
    assert scores.top1_equal == (reference.argmax(-1) == own.argmax(-1)).int().tolist()
    assert scores.against_reference() == {
        "kl_nats": scores.kl_nats,
        "kl_reverse_nats": None,
        "top1_equal": scores.top1_equal,
    }


@pytest.mark.parametrize("rows", [7, 40])
def test_both_directions_are_those_of_the_definition(tmp_path: Path, rows: int) -> None:
    scores = _scores(_stored(tmp_path), rows, both_ways=True)
    reference, own = (torch.log_softmax(_logits(seed).double(), dim=-1) for seed in (1, 2))
    assert scores.kl_nats == pytest.approx((reference.exp() * (reference - own)).sum(dim=-1).tolist(), rel=1e-4)
    assert scores.kl_reverse_nats == pytest.approx((own.exp() * (own - reference)).sum(dim=-1).tolist(), rel=1e-4)


def test_one_position_is_scored_where_the_bound_has_room_for_none() -> None:
    assert rows_at_once(10**9, 8) == 1
    assert rows_at_once(CHUNK_BYTES // (LIVE_COPIES * 8 * 5), 8) == 5


def test_a_device_without_float64_reads_the_reference_in_float32(tmp_path: Path) -> None:
    assert precise_dtype(torch.device("mps")) == torch.float32
    assert precise_dtype(torch.device("cuda", 0)) == torch.float64
    reader = _stored(tmp_path)
    single, _ = reader.rows(3, 5, torch.empty(0, dtype=torch.float32))
    double, _ = reader.rows(3, 5, torch.empty(0, dtype=torch.float64))
    assert single.dtype == torch.float32
    assert float((single.double() - double).abs().max()) < 2e-5


def test_a_token_that_cannot_come_is_no_number() -> None:
    logits = torch.zeros(2, 5)
    logits[1, 3] = -torch.inf
    with pytest.raises(WorkerError) as caught:
        RowScores(None, lambda: 5).add(log_probabilities(logits), torch.tensor([0, 3]))
    assert caught.value.code == "quality-not-finite"


def test_columns_are_left_out_only_where_they_are_no_tokens() -> None:
    assert comparable_columns(512, 512, 600) == 512
    assert comparable_columns(512, 384, 300) == comparable_columns(384, 512, 384) == 384
    assert comparable_columns(512, 384, 385) is None


@pytest.mark.parametrize("padded", ["the reference", "this model", "both alike"])
def test_padding_is_left_out_of_both_where_one_has_more_of_it(tmp_path: Path, padded: str) -> None:
    tokens, padding = _VOCABULARY - 500, -500
    reference, own = _logits(1), _logits(2)
    # Untrained padding may well be the most likely "token".
    reference[::2, -1] = own[1::2, -1] = 30.0
    if padded != "both alike":
        reference, own = (reference, own[:, :padding]) if padded == "the reference" else (reference[:, :padding], own)
    writer = LogprobsWriter(tmp_path, _POSITIONS, reference.shape[-1])
    writer.add(log_probabilities(reference).clamp_min(-100.0))
    writer.close("ab12")
    scores = RowScores(LogprobsReader(tmp_path), lambda: tokens)
    for part, came in zip(own.split(16), torch.arange(_POSITIONS).split(16), strict=True):
        scores.add(log_probabilities(part), came)
    columns = _VOCABULARY if padded == "both alike" else tokens
    p, q = (torch.log_softmax(one[:, :columns].double(), dim=-1) for one in (reference, own))
    assert scores.kl_nats == pytest.approx((p.exp() * (p - q)).sum(dim=-1).tolist(), rel=2e-3)
    assert scores.top1_equal == (p.argmax(-1) == q.argmax(-1)).int().tolist()
    # How likely the token was is computed with the model's own softmax, padding included.
    nll = -torch.log_softmax(own.double(), dim=-1)[torch.arange(_POSITIONS), torch.arange(_POSITIONS)]
    assert scores.token_nll == pytest.approx(nll.tolist(), rel=1e-12)
