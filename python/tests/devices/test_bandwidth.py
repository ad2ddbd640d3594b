"""How large the array is whose reading tells the bandwidth."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from falcon_exp.worker.devices.bandwidth import MOST_BYTES_VARIABLE, _choose_array_bytes


def _caches(folder: Path, *sizes: str) -> Path:
    for index, size in enumerate(sizes):
        (folder / f"index{index}").mkdir()
        (folder / f"index{index}" / "size").write_text(size)
    return folder


@pytest.mark.parametrize(
    ("sizes", "free", "expected"),
    [
        (("32K", "2048K"), 64e9, 256e6),
        (("32K", "105M"), 64e9, 4 * 105 * 1024**2),
        (("491520K",), 64e9, 1024e6),
        (("491520K",), 2e9, 0.5e9),
        ((), 64e9, 256e6),
    ],
)
def test_the_array_is_four_times_the_largest_cache_within_bounds_and_leaves_most_of_the_memory_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[str, ...], free: float, expected: float
) -> None:
    monkeypatch.delenv(MOST_BYTES_VARIABLE)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=int(free)))
    row_bytes = 4 * 4096
    chosen = _choose_array_bytes(_caches(tmp_path, *sizes))
    assert expected - row_bytes < chosen <= expected
    assert chosen % row_bytes == 0


@pytest.mark.parametrize(("asked", "expected"), [("1000000", 61 * 16_384), ("1", 16_384), ("much", 256_000_000)])
def test_a_variable_sets_a_smaller_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, expected: int
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64_000_000_000))
    monkeypatch.setenv(MOST_BYTES_VARIABLE, asked)
    assert _choose_array_bytes(_caches(tmp_path, "32K")) == expected - expected % 16_384
