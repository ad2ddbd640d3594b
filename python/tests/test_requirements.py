"""The version ranges that an environment is checked against."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcon_exp.worker.requirements import EXTRAS, REQUIREMENTS, Requirement, problems

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def test_the_ranges_are_those_of_the_distribution() -> None:
    blocks = re.findall(r"^(?:dependencies|worker) = \[(.*?)\]", PYPROJECT.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    declared = {one for block in blocks for one in re.findall(r'"([^"]+)"', block)}
    assert declared == {requirement.package + requirement.specifier for requirement in REQUIREMENTS}


def test_the_ranges_of_quantizers_are_those_of_the_distributions_extras() -> None:
    text = PYPROJECT.read_text("utf-8")
    for extra, requirement in EXTRAS.items():
        assert f'{extra} = ["{requirement.package}{requirement.specifier}"]' in text


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("5", True), ("5.23.0", True), ("5.0.0rc1", True), ("4.57.1", False), ("6.0", False), ("", False), ("x", False)],
)
def test_versions_inside_and_outside_a_range(version: str, accepted: bool) -> None:
    assert Requirement("transformers", "5", "6").accepts(version) is accepted


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_a_version_is_accepted_exactly_when_it_is_not_less_than_the_minimum(parts: list[int]) -> None:
    version = ".".join(map(str, parts))
    assert Requirement("x", "2.8").accepts(f"{version}+cpu") is (tuple(parts) >= (2, 8))


def test_what_is_missing_is_named_with_what_is_wanted() -> None:
    found: dict[str, str | None] = {requirement.package: "999" for requirement in REQUIREMENTS}
    found["transformers"] = "5.1"
    found["gguf"] = None
    assert problems(found) == [{"package": "gguf", "found": None, "wanted": ">=0.17"}]
