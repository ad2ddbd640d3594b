"""The request under way on the work socket, and its one answer."""

from __future__ import annotations

from typing import Any, Literal

from falcon_exp.worker.supervisor.child import Exit
from falcon_exp.worker.supervisor.request import Request, error_body
from falcon_exp.worker.supervisor.sockets import Sockets


class OpenWork:
    """Idle ─open─▶ under way ─succeed, fail or pass_error─▶ idle."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self.request: Request | None = None

    def open(self, request: Request) -> None:
        """From now on until its answer, this is what is being worked on."""
        assert self.request is None
        self.request = request

    def tell(self, kind: Literal["progress", "notice"], body: dict[str, Any]) -> None:
        """Something before the answer. Raises WireError where ``body`` breaks the contract."""
        self._sockets.send("work", kind, self._asked.id, body)

    def succeed(self, body: dict[str, Any]) -> None:
        """Raises WireError, and leaves the request open, where ``body`` breaks the contract."""
        self._sockets.send("work", "ok", self._asked.id, {"request": self._asked.type, **body})
        self.request = None

    def fail(self, code: str, message: str, exit_: Exit | None = None) -> None:
        """What the supervisor itself has seen."""
        self.pass_error(error_body(code, message, self._asked.phase, exit_))

    def pass_error(self, body: dict[str, Any]) -> None:
        """What a trial process says of its failure. Raises WireError as ``succeed`` does."""
        self._sockets.send("work", "error", self._asked.id, body)
        self.request = None

    @property
    def _asked(self) -> Request:
        assert self.request is not None
        return self.request
