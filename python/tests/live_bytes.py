"""What torch's allocator held at most, temporaries inside kernels included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch._C._profiler import _EventType


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
