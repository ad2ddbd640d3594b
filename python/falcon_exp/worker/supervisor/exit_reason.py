"""What the end of a process is called that nobody asked to end (docs/errors.md)."""

from __future__ import annotations

from falcon_exp.worker.supervisor.ending import Ended
from falcon_exp.worker.supervisor.oom_kills import OomKills, read_oom_kills


class ExitReasons:
    """Remembers how often the kernel had killed for memory: one more since then tells its SIGKILL from any other."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A process begins: what the kernel killed before it was not this one."""
        self._before: OomKills = read_oom_kills()

    def explain(self, ended: Ended) -> tuple[str, str]:
        """Code and message."""
        if ended.exit.signal == "SIGKILL" and read_oom_kills().is_more_than(self._before):
            return "out-of-memory-host", f"The kernel killed the {ended.whose} because memory ran out."
        also = "" if ended.whose == "trial process" else ", and the trial process with it"
        return "trial-process-died", f"The {ended.whose} ended ({ended.exit}){also}."
