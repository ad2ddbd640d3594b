"""The request under way on the work socket, and its one answer."""

from __future__ import annotations

from typing import Any, Literal

from falcon_exp.worker.supervisor.child import Exit
from falcon_exp.worker.supervisor.request import Request, error_body
from falcon_exp.worker.supervisor.sockets import Sockets
from falcon_exp.worker.wire_types import ErrorCode


class OpenWork:
    """Idle ─open─▶ under way ─succeed, fail or pass_error─▶ idle."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self.request: Request | None = None

    def open(self, request: Request) -> None:
        """Makes this the request that is being worked on, until it is answered."""
        assert self.request is None
        self.request = request

    def tell(self, kind: Literal["progress", "notice"], body: dict[str, Any]) -> None:
        """Sends a message before the answer. Raises WireError if ``body`` breaks the contract."""
        self._sockets.send("work", kind, self._asked.id, body)

    def succeed(self, body: dict[str, Any]) -> None:
        """Answers with success. Raises WireError, and leaves the request open, if ``body`` breaks the contract."""
        self._sockets.send("work", "ok", self._asked.id, {"request": self._asked.type, **body})
        self.request = None

    def fail(self, code: ErrorCode, message: str, exit_: Exit | None = None) -> None:
        """Answers with a failure that the supervisor itself has seen."""
        self.pass_error(error_body(code, message, self._asked.phase, exit_))

    def pass_error(self, body: dict[str, Any]) -> None:
        """Answers with what a trial process says about its failure. Raises WireError as ``succeed`` does."""
        self._sockets.send("work", "error", self._asked.id, body)
        self.request = None

    @property
    def _asked(self) -> Request:
        assert self.request is not None
        return self.request
