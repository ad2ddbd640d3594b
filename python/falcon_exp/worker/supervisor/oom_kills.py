"""Whether the kernel killed something for lack of memory: a SIGKILL alone does not say who sent it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class OomKills:
    """How many processes the kernel has killed for memory so far: two counts that are independent of each other."""

    #: In this process's cgroup and those below it; None if there is no cgroup that counts them.
    in_cgroup: int | None
    #: On the whole machine, other containers included.
    on_machine: int | None

    def is_more_than(self, before: OomKills) -> bool:
        """Whether a kill that may concern this worker came since; by the machine's count only if no cgroup counts."""
        if self.in_cgroup is not None and before.in_cgroup is not None:
            return self.in_cgroup > before.in_cgroup
        if self.on_machine is not None and before.on_machine is not None:
            return self.on_machine > before.on_machine
        return False


def read_oom_kills() -> OomKills:
    """Both counts as they are now."""
    counts = (_read(path) for path in _cgroup_files())
    return OomKills(next((count for count in counts if count is not None), None), _read(Path("/proc/vmstat")))


def _cgroup_files() -> Iterator[Path]:
    """Files where the kernel counts for this process's cgroup, version 2 first: ``0::/a/b`` or ``5:memory:/a/b``.

    A container may see its own group as the root of the mount, with a path that only the host knows: hence the second
    file for each. At a host's real root, version 2 counts nothing, and version 1 is found by its path.
    """
    try:
        lines = Path("/proc/self/cgroup").read_text("ascii", "replace").splitlines()
    except OSError:
        return
    groups = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    for _, controllers, path in groups:
        if controllers == "":
            yield _CGROUPS / path.lstrip("/") / "memory.events"
            yield _CGROUPS / "memory.events"
    for _, controllers, path in groups:
        if "memory" in controllers.split(","):
            yield _CGROUPS / "memory" / path.lstrip("/") / "memory.oom_control"
            yield _CGROUPS / "memory" / "memory.oom_control"


def _read(path: Path) -> int | None:
    try:
        for line in path.read_text("ascii", "replace").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        pass
    return None
