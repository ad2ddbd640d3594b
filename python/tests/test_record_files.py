"""The reader of records.jsonl leaves out and reports what is damaged, and keeps everything else."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcon_exp.results import ResultsError
from falcon_exp.results.recorded import FACTS
from falcon_exp.results.records import parse_records, read_records
from falcon_exp.results.schema import kinds

# test/run/golden.test.ts reads the same files: both readers must agree on every one.
GOLDEN = Path(__file__).parents[2] / "test" / "golden" / "record-files"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.jsonl"))
WHOLE = (GOLDEN / "whole.jsonl").read_bytes()
RECORDS = parse_records(WHOLE, "whole").records


def sealed(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
    return text[:-1] + b',"crc32":"%08x"}' % zlib.crc32(text)


def test_the_golden_files_are_there() -> None:
    assert len(NAMES) > 10
    assert len(RECORDS) == 7


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_read_as_expected(name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.expected.json").read_text("utf-8"))
    if expected["error"] is not None:
        with pytest.raises(ResultsError, match=f"{expected['error']}"):
            read_records(GOLDEN / f"{name}.jsonl")
        return
    read = read_records(GOLDEN / f"{name}.jsonl")
    assert [record["kind"] for record in read.records] == expected["kinds"]
    assert [problem.line for problem in read.problems] == expected["lines_left_out"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "of-a-newer-version"])
def test_only_some_kinds_are_those_of_the_whole_file(name: str) -> None:
    whole = read_records(GOLDEN / f"{name}.jsonl").records
    some = read_records(GOLDEN / f"{name}.jsonl", FACTS).records
    assert some == tuple(record for record in whole if record["kind"] in FACTS)
    assert kinds() > FACTS


def test_a_file_that_is_not_there_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"Give the folder of a run.*\[results-not-found\]"):
        read_records(tmp_path / "records.jsonl")


def test_a_problem_names_the_place_within_the_record() -> None:
    broken = {**RECORDS[4], "trial_index": -1}
    assert broken["kind"] == "trial"
    (problem,) = parse_records(sealed(broken) + b"\n", "x").problems
    assert problem.message.startswith("breaks the record schema: ")
    assert "-1 is less than the minimum of 0" in problem.message


@given(st.integers(0, len(WHOLE)))
def test_a_file_cut_anywhere_keeps_every_whole_line(end: int) -> None:
    read = parse_records(WHOLE[:end], "cut")
    whole_lines = WHOLE[:end].count(b"\n")
    is_torn = end > 0 and not WHOLE[:end].endswith(b"\n")
    # If the torn line's record is there all the same, only the end of the line was cut off.
    assert len(read.records) in ({whole_lines, whole_lines + 1} if is_torn else {whole_lines})
    assert read.records == RECORDS[: len(read.records)]
    assert len(read.records) + len(read.problems) == whole_lines + is_torn


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_anywhere_costs_at_most_the_lines_it_touches(place: int, change: int) -> None:
    content = bytearray(WHOLE)
    content[place] ^= change
    read = parse_records(bytes(content), "changed")
    assert all(record in RECORDS for record in read.records)
    assert len(read.records) >= len(RECORDS) - 1


@given(st.lists(st.binary(max_size=60) | st.sampled_from(WHOLE.split(b"\n")), max_size=8))
def test_any_bytes_at_all_are_read_or_told(lines: list[bytes]) -> None:
    read = parse_records(b"\n".join(lines), "any")
    assert all(record["kind"] in kinds() for record in read.records)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(RECORDS), st.data(), JSON)
def test_a_value_put_anywhere_into_a_record_is_taken_or_told(record: dict[str, Any], data: Any, value: Any) -> None:
    key = data.draw(st.sampled_from(sorted(record)))
    line = json.dumps({**record, key: value}).encode()
    if key == "schema_version" and type(value) in (int, float) and value > 1:
        with pytest.raises(ResultsError, match="results-schema-newer"):
            parse_records(line + b"\n", "x")
        return
    read = parse_records(line + b"\n", "x")
    assert len(read.records) + len(read.problems) == 1
