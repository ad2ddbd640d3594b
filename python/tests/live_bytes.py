"""What torch's allocator held at most, temporaries inside kernels included."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from unittest.mock import patch

import torch
from torch._C._profiler import _EventType

T = TypeVar("T")


def peak_live_bytes(work: Callable[[], Any]) -> int:
    """The largest sum of what ``work`` allocated on the CPU and had not released. What lived before does not count."""
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
    """What ``work`` gives, and what torch's allocator gave for it that is still held when it is over."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    # The end of what an earlier call left would be seen as well. What lives by now is out of sight of the collections
    # within: they would look at all that was imported, half a second each time.
    gc.collect()
    gc.freeze()
    with patch("gc.freeze"), torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
        result = work()
        gc.collect()
    events = _all_events(profiler.profiler.kineto_results.experimental_event_tree())
    return result, sum(event.extra_fields.alloc_size for event in events if event.tag == _EventType.Allocation)
