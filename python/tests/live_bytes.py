"""The most memory that torch's allocator held at once, including temporaries inside kernels."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from unittest.mock import patch

import torch
from torch._C._profiler import _EventType

T = TypeVar("T")


def peak_live_bytes(work: Callable[[], Any]) -> int:
    """Returns the most CPU bytes that ``work`` had allocated at once. Memory from before it does not count."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
        work()
    events = _all_events(profiler.profiler.kineto_results.experimental_event_tree())
    allocations = [event for event in events if event.tag == _EventType.Allocation]
    live = peak = 0
    for event in sorted(allocations, key=lambda event: event.start_time_ns):
        live += event.extra_fields.alloc_size
        peak = max(peak, live)
    return peak


def _all_events(events: Any) -> Iterator[Any]:
    for event in events:
        yield event
        yield from _all_events(event.children)


def kept_live_bytes(work: Callable[[], T]) -> tuple[T, int]:
    """Returns the result of ``work``, and the bytes that torch allocated in it and that are still held afterwards."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    # Collected first, because the release of what an earlier call left would be counted as well. Everything that exists
    # now is frozen: otherwise each collection below would scan all that was imported, for half a second.
    gc.collect()
    gc.freeze()
    with patch("gc.freeze"), torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
        result = work()
        gc.collect()
    events = _all_events(profiler.profiler.kineto_results.experimental_event_tree())
    return result, sum(event.extra_fields.alloc_size for event in events if event.tag == _EventType.Allocation)
