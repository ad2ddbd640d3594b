"""The tables of families in docs/worker.md and docs/quantization.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.families import list_families
from scripts.measure_families import METHODS, OTHER_METHODS, format_other_row, format_share, measure

_DOCS = Path(__file__).parents[2] / "docs"


def find_row(family: str, page: str = "worker.md") -> str:
    """Returns the row of a family in a page's table."""
    lines = (_DOCS / page).read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"| {family} |"))


@pytest.mark.parametrize("page", ["worker.md", "quantization.md"])
def test_the_table_has_every_family(page: str) -> None:
    assert len(list_families()) >= 40
    for family in list_families():
        assert find_row(family, page)


@pytest.mark.parametrize("family", ["gpt2", "mamba", "phimoe"])
def test_a_family_under_other_libraries_is_as_the_table_says(family: str) -> None:
    # What these libraries store does not depend on the CPU.
    assert format_other_row(family, measure(family, OTHER_METHODS)) == find_row(family, "quantization.md")


@pytest.mark.parametrize("family", ["gpt2", "qwen2_moe", "deepseek_v3", "falcon_h1", "rwkv", "llava", "t5"])
def test_a_family_is_as_the_table_says(family: str) -> None:
    none, int8, _four_bit = results = measure(family)
    row = find_row(family)
    if family == "t5":
        assert [one["code"] for one in results] == ["model-kind-unsupported"] * len(METHODS)
        return
    assert [one["code"] for one in results] == [None] * len(METHODS)
    assert f"| {none['model_class']} | {none['weights_bytes']:,} |" in row
    # No bytes are compared: how 4-bit weights are packed and which columns 8-bit layers keep apart is up to the CPU.
    assert f"| {int8['linear']}, {format_share(int8['share'])}, " in row
