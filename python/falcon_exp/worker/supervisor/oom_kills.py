"""Whether the kernel killed something for lack of memory: a SIGKILL alone does not say who sent it."""

from __future__ import annotations

from pathlib import Path


def oom_kill_count() -> int | None:
    """Processes killed for memory so far, in this cgroup or on this machine; None where nobody tells."""
    counts = [count for path in (_cgroup_events(), Path("/proc/vmstat")) if (count := _read(path)) is not None]
    return max(counts, default=None)


def _cgroup_events() -> Path | None:
    try:
        for line in Path("/proc/self/cgroup").read_text("ascii", "replace").splitlines():
            if line.startswith("0::"):
                return Path("/sys/fs/cgroup") / line[3:].lstrip("/") / "memory.events"
    except OSError:
        pass
    return None


def _read(path: Path | None) -> int | None:
    if path is None:
        return None
    try:
        for line in path.read_text("ascii", "replace").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        pass
    return None
