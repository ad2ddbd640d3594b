"""Runs of other work or from another machine are told apart just as `falcon-exp compare` does it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from falcon_exp.results import IncompatibleRunsWarning, environment_differences, incomparable
from falcon_exp.results.compatibility import warn_of_mixing
from falcon_exp.results.recorded import RunData, group_records
from falcon_exp.results.records import read_records

# test/render/words/compare-golden.test.ts reads the same files.
GOLDEN = Path(__file__).parents[2] / "test" / "golden" / "compare"
NAMES = sorted(path.name for path in GOLDEN.iterdir())


def sides(name: str) -> tuple[RunData, RunData]:
    def read(file: str) -> RunData:
        return group_records(read_records(GOLDEN / name / file).records, file)

    return read("a.jsonl"), read("b.jsonl")


@pytest.mark.parametrize("name", NAMES)
def test_two_runs_are_told_apart(name: str) -> None:
    a, b = sides(name)
    expected = json.loads((GOLDEN / name / "expected.json").read_text("utf-8"))
    of_a = {configuration.label: configuration for configuration in a.configurations}
    reasons = [
        f"b: {reason} than a"
        for configuration in b.configurations
        for reason in incomparable((a, of_a[configuration.label]), (b, configuration))
    ]
    assert list(dict.fromkeys(reasons)) == expected["reasons"]
    told = [{"what": one.what, "values": list(one.values)} for one in environment_differences([a, b])]
    assert told == expected["environment"]


def test_the_golden_cases_hold_both_kinds_and_neither() -> None:
    expected = [json.loads((GOLDEN / name / "expected.json").read_text("utf-8")) for name in NAMES]
    assert sum(bool(one["reasons"]) for one in expected) >= 4
    assert sum(bool(one["environment"]) for one in expected) >= 3
    assert any(not one["reasons"] and not one["environment"] for one in expected)


def test_mixing_other_work_is_one_warning_that_says_what_is_other() -> None:
    a, b = sides("other-prompts")
    with pytest.warns(IncompatibleRunsWarning) as caught:
        warn_of_mixing([a, b, b])
    (warning,) = caught
    assert "other prompts" in str(warning.message)
    assert "falcon-exp compare" in str(warning.message)


def test_mixing_other_libraries_names_them_with_their_versions() -> None:
    with pytest.warns(IncompatibleRunsWarning) as caught:
        warn_of_mixing(sides("other-libraries-and-host"))
    (warning,) = caught
    assert "torch (2.13.0 / 9.9.9)" in str(warning.message)
    assert "kernels (unknown / 1.0)" in str(warning.message)
    # The commit that a run was started from may change every day.
    assert "git commit" not in str(warning.message)


def test_the_same_work_on_the_same_machine_is_mixed_in_silence() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_mixing(sides("the-same"))


def test_many_differences_are_counted_not_listed() -> None:
    a, _ = sides("the-same")
    others = []
    for number in range(20):
        b, _ = sides("the-same")
        b.run["prompts"][0]["prompt"] = str(number)
        b.run["run_id"] = f"run-{number}"
        others.append(b)
    with pytest.warns(IncompatibleRunsWarning, match="14 more") as caught:
        warn_of_mixing([a, *others])
    assert len(str(caught[0].message)) < 1000
