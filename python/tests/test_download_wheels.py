"""Which entries of a lock file are chosen for another machine's Python."""

from __future__ import annotations

import pytest

from scripts.download_wheels import MODEL, NAMES, choose_entries, describe_environment, read_locks

_LOCK = """one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
two==2.0 ; python_full_version < '3.11' \\
    --hash=sha256:cc
two==2.1 ; python_full_version >= '3.11' and sys_platform != 'win32' \\
    --hash=sha256:dd
three==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:ee
"""


def test_an_entry_comes_with_its_hashes() -> None:
    (entry,) = choose_entries(_LOCK, ["one"], describe_environment("3.12"))
    assert entry.split() == ["one==1.0", "\\", "--hash=sha256:aa", "\\", "--hash=sha256:bb"]


@pytest.mark.parametrize(("python", "version"), [("3.10", "two==2.0"), ("3.12", "two==2.1")])
def test_of_several_versions_the_one_for_that_python_is_taken(python: str, version: str) -> None:
    (entry,) = choose_entries(_LOCK, ["two"], describe_environment(python))
    assert entry.startswith(version)


def test_what_is_not_for_that_machine_is_an_error() -> None:
    with pytest.raises(KeyError, match="three"):
        choose_entries(_LOCK, ["three"], describe_environment("3.12"))


@pytest.mark.parametrize("python", ["3.10", "3.12", "3.14"])
def test_the_locks_hold_everything_that_the_kit_takes(python: str) -> None:
    taken = choose_entries(read_locks(), (*NAMES, MODEL), describe_environment(python))
    assert all("--hash=sha256:" in entry for entry in taken)
