"""The worker's one error type, and how other exceptions are translated into it (docs/errors.md)."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from falcon_exp.worker.failure_rules import ANYWHERE, GENERATING, LOADING
from falcon_exp.worker.wire_types import ErrorCode

#: After these the driver no longer answers this process, or answers wrongly, so the process must end.
CONTEXT_LOST: frozenset[ErrorCode] = frozenset({"device-fault", "device-lost", "device-busy", "fork-poisoned"})

_NAMED_ERROR = re.compile(r"^(?:\w+\.)*(\w+): (.*)$", re.MULTILINE)


class WorkerError(Exception):
    """A failure with a code of the taxonomy; its message is one sentence for people.

    ``next_step`` is given if there is a better one for this failure than the one its code has.
    """

    def __init__(self, code: ErrorCode, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True)
class _Cause:
    """An exception, or what a text says about one."""

    #: The name of its class, then those of the bases if they are known.
    class_names: tuple[str, ...]
    text: str
    is_told: bool = False

    def shown(self, limit: int = 1000) -> str:
        """The class and the text, cut at ``limit``, for people."""
        text = self.text.strip() or "no message"
        shown = text if len(text) <= limit else text[: limit - 1] + "…"
        return f"{self.class_names[0]}: {shown}"


def _cause_of(error: BaseException) -> _Cause:
    return _Cause(tuple(cls.__name__ for cls in type(error).__mro__), str(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what caused it, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _conversion_errors(error: BaseException) -> list[str]:
    """Tracebacks of the exceptions that transformers caught while it converted weights, and only logged.

    The exception that it raises in the end names no cause; the texts are in the frame that raised it.
    """
    frames = traceback.walk_tb(error.__traceback__)
    for info in (frame.f_locals.get("loading_info") for frame, _ in frames):
        errors = getattr(info, "conversion_errors", None)
        if isinstance(errors, dict) and errors:
            return [str(text) for text in errors.values()]
    return []


def _causes(error: BaseException) -> Iterator[_Cause]:
    for link in _chain(error):
        yield _cause_of(link)
        # There are hundreds if memory ran out at the first one, and they differ only in their numbers.
        for text in _conversion_errors(link)[:3]:
            for name, message in _NAMED_ERROR.findall(text):
                yield _Cause((name,), message, is_told=True)


def classify(error: BaseException, phase: str) -> tuple[ErrorCode, str]:
    """Returns (code, message) for any exception raised in ``phase``."""
    if isinstance(error, WorkerError):
        return error.code, error.message
    causes = list(_causes(error))
    # A failure of the device explains the errors that follow it, never the other way round, so its rules come first.
    of_phase = LOADING if phase == "load" else GENERATING if phase in ("warmup", "measure") else ()
    for rules in (ANYWHERE, of_phase):
        for cause in causes:
            for rule in rules:
                if rule.matches(cause.class_names, cause.text, is_told=cause.is_told):
                    return rule.code, cause.shown()
    return "worker-exception", causes[0].shown()


def traceback_of(error: BaseException, limit: int = 20_000) -> str:
    """The traceback as text, its beginning cut off if it is too long; includes the first error that a library hid."""
    text = "".join(traceback.format_exception(error))
    hidden = next((texts for link in _chain(error) if (texts := _conversion_errors(link))), [])
    if hidden:
        text = f"{hidden[0]}\n\n{len(hidden)} such errors while weights were converted led to this one:\n\n{text}"
    return text if len(text) <= limit else "…" + text[-limit:]


def error_body(error: BaseException, phase: str) -> dict[str, object]:
    """The body of an ``error`` message for an exception that a living process caught."""
    code, message = classify(error, phase)
    expected = isinstance(error, WorkerError)
    return {
        "code": code,
        "message": message,
        "next": error.next_step if isinstance(error, WorkerError) else None,
        "phase": phase,
        "traceback": None if expected else traceback_of(error),
        "exit_code": None,
        "signal": None,
    }
