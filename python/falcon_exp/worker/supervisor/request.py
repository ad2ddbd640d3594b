"""The one request that is being worked on, and the body of its failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from falcon_exp.worker.supervisor.child import Exit
from falcon_exp.worker.wire_types import ErrorCode

#: Phase of each request, for failures; `generate` names its own.
_PHASES = {
    "start": "start",
    "load": "load",
    "check_prompt": "load",
    "profile": "profile",
    "quality": "quality",
    "lm_eval": "quality",
    "unload": "unload",
}

#: Requests that a loaded trial process serves, and that it survives if they fail.
WITH_A_MODEL = ("check_prompt", "generate", "profile", "quality", "lm_eval")
#: All requests that the work socket accepts.
WORK = ("start", "load", *WITH_A_MODEL, "unload")


@dataclass(frozen=True)
class Request:
    """A request as it came on the work socket."""

    id: str
    type: str
    body: dict[str, Any]

    @property
    def phase(self) -> str:
        """The phase that its failure names."""
        return str(self.body["phase"]) if self.type == "generate" else _PHASES[self.type]


def error_body(code: ErrorCode, message: str, phase: str | None, exit_: Exit | None = None) -> dict[str, Any]:
    """The body of an ``error`` message about something that the supervisor saw from outside."""
    return {
        "code": code,
        "message": message,
        "phase": phase,
        "traceback": None,
        "exit_code": None if exit_ is None else exit_.code,
        "signal": None if exit_ is None else exit_.signal,
    }
