"""The peak of resident memory, compared with an allocation of known size."""

from __future__ import annotations

import numpy as np

from falcon_exp.worker.devices.rss import PeakRss, current_rss_bytes, release_unused

SIZE = 200_000_000
TOLERANCE = 20_000_000


def touch(size: int) -> None:
    """Allocates and writes ``size`` bytes, then releases them."""
    np.ones(size, dtype=np.uint8)


def test_the_peak_sees_memory_that_was_given_back_before_it_is_read() -> None:
    release_unused()
    before = current_rss_bytes()
    peak = PeakRss()
    touch(SIZE)
    measured = peak.stop()
    assert measured is not None
    assert abs(measured - before - SIZE) < TOLERANCE


def test_each_peak_starts_anew() -> None:
    touch(SIZE)
    release_unused()
    before = current_rss_bytes()
    peak = PeakRss()
    measured = peak.stop()
    assert measured is not None
    assert measured - before < TOLERANCE


def test_on_linux_the_peak_is_the_kernels_not_a_samplers() -> None:
    assert PeakRss().source == "vmhwm-reset"
