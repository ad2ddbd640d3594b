"""Reads ``records.jsonl``, which has one JSON object per line, the way src/run/reader.ts does."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcon_exp.results.problems import ResultsError
from falcon_exp.results.schema import SCHEMA_VERSION, Record, kinds, schema_problem
from falcon_exp.results.sealed_line import is_single, open_line, split_at_seals

RECORDS_FILE = "records.jsonl"
_LONGEST_PROBLEM = 300
_TORN = "the last line is torn (the run was killed while writing it)"
#: A record begins with its version, run and time; the kind comes next.
_HEAD_BYTES = 200


@dataclass(frozen=True)
class Problem:
    """A line (1-based) that could not be used. The rest of the file still counts."""

    line: int
    message: str


@dataclass(frozen=True)
class RecordFile:
    """A file's contents, in the order in which they were written."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]


def read_records(path: Path, only: Collection[str] | None = None) -> RecordFile:
    """Reads a file; with ``only``, just the records of these kinds, which takes a fraction of the time.

    A last line torn by a kill and a damaged line anywhere are reported as problems, never raised. Raises ResultsError
    `results-not-found`, and `results-schema-newer` for a line of a newer falcon-exp, as guesses could give wrong data.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultsError(
            "results-not-found",
            f"Could not read {path}: {error.strerror or error}.",
            "Give the folder of a run: results/<experiment>/<run-id>.",
        ) from error
    return parse_records(content, str(path), only)


def parse_records(content: bytes, source: str, only: Collection[str] | None = None) -> RecordFile:
    """The parsing half of ``read_records``; ``source`` names the file in errors."""
    left_out = [] if only is None else [f'"kind":"{kind}"'.encode() for kind in kinds().difference(only)]
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
        torn = 0
    else:
        torn = len(lines)
    records: list[Record] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        # Quotes inside JSON strings are escaped, so whatever looks like a key here is one.
        head = line[:_HEAD_BYTES]
        if any(kind in head for kind in left_out) and is_single(line):
            continue
        for record, problem in _parse_line(line, f"{source}:{number}"):
            if problem is not None:
                problems.append(Problem(number, f"{_TORN if number == torn else problem}: left out"))
            elif record is not None and (only is None or record["kind"] in only):
                records.append(record)
    return RecordFile(tuple(records), tuple(problems))


def _parse_line(line: bytes, place: str) -> list[tuple[Record | None, str | None]]:
    """The record of a line; several if the end of a line was damaged, so that two lines look like one."""
    whole = _parse_record(line, place)
    if whole[1] is None:
        return [whole]
    return [_parse_record(piece, place) for piece in split_at_seals(line)]


def _parse_record(line: bytes, place: str) -> tuple[Record | None, str | None]:
    """The record, or what is wrong with it; neither for a blank line."""
    opened = open_line(line)
    if opened is None:
        return None, "its checksum does not match (damaged)"
    try:
        text = opened.decode("utf-8-sig")
        if not text.strip():
            return None, None
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        # ValueError means bad UTF-8, bad JSON, or an integer with more digits than Python reads.
        return None, "not a complete JSON object in UTF-8 (cut off or damaged)"
    _refuse_newer_version(value, place)
    problem = schema_problem(value)
    if problem is not None:
        return None, f"breaks the record schema: {problem[:_LONGEST_PROBLEM]}"
    assert isinstance(value, dict)
    return value, None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large for a number")
    return number


def _refuse_newer_version(value: Any, place: str) -> None:
    version = value.get("schema_version") if isinstance(value, dict) else None
    if isinstance(version, bool) or not isinstance(version, (int, float)) or version <= SCHEMA_VERSION:
        return
    raise ResultsError(
        "results-schema-newer",
        f"{place} has schema version {version}; this falcon_exp.results reads up to {SCHEMA_VERSION}.",
        "Update falcon-exp, or read the run with the version that made it (the first line names it).",
    )
