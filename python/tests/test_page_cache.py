"""How much of the given files is in the page cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from falcon_exp.worker.trial.page_cache import page_cache_share

MEGABYTE = 1 << 20
_MOST_EVICTIONS = 3


def evict(path: Path) -> bool:
    """Asks the kernel to drop a file's pages, which it does once they are on the disk; returns whether all are gone."""
    file = os.open(path, os.O_RDONLY)
    try:
        # Pages that something else holds at this moment are kept, so it is asked again.
        for _ in range(_MOST_EVICTIONS):
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            if page_cache_share([path]) == 0:
                return True
    finally:
        os.close(file)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_file_that_was_just_written_is_there_and_one_that_was_evicted_is_not(tmp_path: Path) -> None:
    warm, cold = tmp_path / "warm", tmp_path / "cold"
    for path in (warm, cold):
        path.write_bytes(os.urandom(4 * MEGABYTE))
    if not evict(cold):
        pytest.skip("this file system keeps pages that it was asked to forget")
    assert page_cache_share([cold]) == 0
    assert page_cache_share([warm]) == 1
    assert page_cache_share([warm, cold]) == 0.5
    cold.read_bytes()
    assert page_cache_share([cold]) == 1


def test_of_no_file_an_empty_one_and_one_that_is_not_there_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert page_cache_share([]) is None
    assert page_cache_share([tmp_path / "empty"]) is None
    assert page_cache_share([tmp_path / "gone"]) is None
