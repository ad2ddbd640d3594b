"""What the end of a process is called that nobody asked to end (docs/errors.md)."""

from __future__ import annotations

from falcon_exp.worker.supervisor.launcher import Exit
from falcon_exp.worker.supervisor.oom_kills import oom_kill_count


class ExitReasons:
    """Remembers how often the kernel had killed for memory: one more since then tells its SIGKILL from any other."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A process begins: what the kernel killed before it was not this one."""
        self._oom_kills = oom_kill_count()

    def explain(self, exit_: Exit, whose: str = "trial process") -> tuple[str, str]:
        """Code and message."""
        count = oom_kill_count()
        if exit_.signal == "SIGKILL" and count is not None and self._oom_kills is not None and count > self._oom_kills:
            return "out-of-memory-host", f"The kernel killed the {whose} because memory ran out."
        also = "" if whose == "trial process" else ", and the trial process with it"
        return "trial-process-died", f"The {whose} ended ({exit_}){also}."
