"""Python, too, reads every record that older code wrote."""

from pathlib import Path

import pytest

from falcon_exp.results.records import read_records

GOLDEN = Path(__file__).parents[2] / "test" / "golden" / "records"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("v*/records.jsonl"))


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_read(name: str) -> None:
    path = GOLDEN / name / "records.jsonl"
    read = read_records(path)
    assert read.problems == ()
    assert len(read.records) == len(path.read_text("utf-8").splitlines())


def test_records_of_every_stage_are_kept() -> None:
    assert len(NAMES) > 3
