"""Who else computes on a card."""

from __future__ import annotations

import os
from typing import Any


def count_others(processes: list[tuple[int, int | None]] | None, *, is_used_here: bool) -> dict[str, Any]:
    """``other_processes`` and ``other_memory_bytes`` from (process id, bytes) of every process on the card.

    In a container the driver lists the host's process ids: if this process uses the card but its own id is not among
    them, one of the others is this process under another id, and there is no telling whose memory is whose.
    """
    if processes is None:
        return {"other_processes": None, "other_memory_bytes": None}
    others = [size for pid, size in processes if pid != os.getpid()]
    if is_used_here and len(others) == len(processes) and others:
        return {"other_processes": len(others) - 1, "other_memory_bytes": None}
    return {"other_processes": len(others), "other_memory_bytes": sum(size or 0 for size in others)}
