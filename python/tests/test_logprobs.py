"""The reference's log-probabilities on disk: as exact as stated, and two bytes per entry wherever they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from falcon_exp.worker.trial.logprobs import LogprobsReader, LogprobsWriter


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 5),
    vocabulary=st.integers(2, 60),
    scale=st.floats(0.01, 30.0),
    seed=st.integers(0, 2**31 - 1),
)
def test_kept_log_probabilities_are_as_exact_as_is_stated(
    tmp_path_factory: pytest.TempPathFactory, rows: int, vocabulary: int, scale: float, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("lp")
    generator = torch.Generator().manual_seed(seed)
    exact = torch.log_softmax(torch.randn(rows, vocabulary, generator=generator, dtype=torch.float64) * scale, dim=-1)
    writer = LogprobsWriter(folder, rows, vocabulary)
    writer.add(exact)
    stored = writer.close("ab12")
    assert stored.bytes == sum(file.stat().st_size for file in folder.iterdir())
    reader = LogprobsReader(folder)
    kept, top1 = reader.rows(0, rows, exact)
    # Reading normalizes again, which moves a row by at most one more such error.
    assert float((kept - exact).abs().max()) <= 2 * stored.largest_error_nats + 1e-9
    assert top1.tolist() == exact.argmax(dim=-1).tolist()
    assert reader.token_ids_sha256.startswith("ab12")
    divergence = (exact.exp() * (exact - kept)).sum(dim=-1)
    assert float(divergence.abs().max()) <= stored.largest_error_nats**2 + 1e-9


class Uploads(TorchDispatchMode):  # type: ignore[misc]
    """Sums the bytes that are copied from the CPU to the device ``meta``, which stands in for a card."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default and result.device.type == "meta" and args[0].device.type == "cpu":
            self.bytes += args[0].nbytes
        return result


def test_codes_go_to_the_device_in_sixteen_bits(tmp_path: Path) -> None:
    positions, vocabulary = 6, 5_000
    writer = LogprobsWriter(tmp_path, positions, vocabulary)
    writer.add(torch.log_softmax(torch.randn(positions, vocabulary, dtype=torch.float64), dim=-1))
    writer.close("ab12")
    reader = LogprobsReader(tmp_path)
    like = torch.empty(0, dtype=torch.float64, device="meta")
    with Uploads() as uploads:
        rows, top1 = reader.rows(0, positions, like)
    assert (rows.shape, rows.device.type, rows.dtype) == ((positions, vocabulary), "meta", torch.float64)
    # The codes, and per row the lowest value, the step and the most likely token.
    assert uploads.bytes == positions * vocabulary * 2 + positions * 3 * 8
    assert top1.shape == (positions,)


def test_the_least_and_the_most_likely_token_keep_their_values(tmp_path: Path) -> None:
    exact = torch.log_softmax(torch.tensor([[0.0, -60.0, 3.0, -7.5]], dtype=torch.float64), dim=-1)
    writer = LogprobsWriter(tmp_path, 1, 4)
    writer.add(exact)
    writer.close("ab12")
    kept, _ = LogprobsReader(tmp_path).rows(0, 1, exact)
    # Codes 0 and 65,535: the ends of the range, where a lost sign would show.
    assert kept[0, [1, 2]].tolist() == pytest.approx(exact[0, [1, 2]].tolist(), abs=1e-3)
