"""The error code for the end of a process that nobody asked to end (docs/errors.md)."""

from __future__ import annotations

from falcon_exp.worker.supervisor.ending import Ended
from falcon_exp.worker.supervisor.oom_kills import OomKills, read_oom_kills
from falcon_exp.worker.wire_types import ErrorCode


class ExitReasons:
    """Remembers how often the kernel had killed for memory: if it is more now, a SIGKILL came from the kernel."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Called when a process starts: whatever the kernel killed before was not this process."""
        self._before: OomKills = read_oom_kills()

    def explain(self, ended: Ended) -> tuple[ErrorCode, str]:
        """The error code and message for the end of a process."""
        if ended.exit.signal == "SIGKILL" and read_oom_kills().is_more_than(self._before):
            return "out-of-memory-host", f"The kernel killed the {ended.whose} because memory ran out."
        also = "" if ended.whose == "trial process" else ", and the trial process with it"
        return "trial-process-died", f"The {ended.whose} ended ({ended.exit}){also}."
