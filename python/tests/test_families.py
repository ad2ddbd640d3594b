"""The table of families in docs/worker.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.families import list_families
from scripts.measure_families import METHODS, format_share, measure

_PAGE = (Path(__file__).parents[2] / "docs" / "worker.md").read_text("utf-8")


def find_row(family: str) -> str:
    """Of the table."""
    return next(line for line in _PAGE.splitlines() if line.startswith(f"| {family} |"))


def test_the_table_has_every_family() -> None:
    assert len(list_families()) >= 40
    for family in list_families():
        assert find_row(family)


@pytest.mark.parametrize("family", ["gpt2", "qwen2_moe", "deepseek_v3", "falcon_h1", "rwkv", "llava", "t5"])
def test_a_family_is_as_the_table_says(family: str) -> None:
    none, int8, _four_bit = results = measure(family)
    row = find_row(family)
    if family == "t5":
        assert [one["code"] for one in results] == ["model-kind-unsupported"] * len(METHODS)
        return
    assert [one["code"] for one in results] == [None] * len(METHODS)
    assert f"| {none['model_class']} | {none['weights_bytes']:,} |" in row
    # The CPU decides how 4-bit weights are packed, and which columns 8-bit layers keep apart: no bytes of these.
    assert f"| {int8['linear']}, {format_share(int8['share'])}, " in row
