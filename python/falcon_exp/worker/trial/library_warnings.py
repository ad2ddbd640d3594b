"""The libraries' warnings: each distinct text once, with a count, instead of one line per layer and token."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections import Counter
from typing import Any, TextIO

_LONGEST_TEXT = 2000
#: Without this limit, texts with a number that changes would fill the memory in a long run.
_MOST_DISTINCT = 100
_OVERFLOW = ("falcon-exp", "further distinct warnings")


class Notices(logging.Handler):
    """Collects warnings of the ``warnings`` module and log records of level WARNING and above."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self._counts: Counter[tuple[str, str]] = Counter()
        #: (logger, message, arguments) → key of the count, for messages of which a full record was made once.
        self._known: dict[tuple[str, object, tuple[object, ...]], tuple[str, str]] = {}

    def add(self, source: str, text: str) -> tuple[str, str]:
        """Counts one warning and returns the key that it is counted under."""
        key = (source or "unknown", text.strip()[:_LONGEST_TEXT])
        if key not in self._counts and len(self._counts) >= _MOST_DISTINCT:
            key = _OVERFLOW
        self._counts[key] += 1
        return key

    def count_again(self, source: str, message: object, arguments: tuple[object, ...]) -> bool:
        """Counts a warning that is known word for word; otherwise counts nothing and returns False."""
        try:
            key = self._known.get((source, message, arguments))
        except TypeError:
            # Unhashable arguments can change between two calls.
            return False
        if key is None:
            return False
        self._counts[key] += 1
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Counts a record; never raises."""
        try:
            key = self.add(record.name, record.getMessage())
        except Exception:
            key = self.add(record.name, str(record.msg))
        arguments = record.args if isinstance(record.args, tuple) else ()
        if record.levelno == logging.WARNING and len(self._known) < _MOST_DISTINCT:
            with contextlib.suppress(TypeError):
                self._known[(record.name, record.msg, arguments)] = key

    def listed(self) -> list[dict[str, Any]]:
        """The bodies of ``notice`` messages, in the order of first appearance."""
        return [{"source": source, "text": text, "count": count} for (source, text), count in self._counts.items()]


class _CountingLogger(logging.Logger):
    """Counts messages that it has seen before without making records of them.

    bitsandbytes warns once per layer and token: making all those records would take a few percent of the very time
    that is measured.
    """

    notices: Notices

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        if not self.notices.count_again(self.name, msg, args):
            super().warning(msg, *args, **{**kwargs, "stacklevel": kwargs.get("stacklevel", 1) + 1})


def collect_library_warnings() -> Notices:
    """Sends all library warnings of this process to the Notices that it returns, and none to stderr."""
    notices = Notices()
    root = logging.getLogger()
    root.handlers[:] = [notices]
    root.setLevel(logging.WARNING)
    counting = type("CountingLogger", (_CountingLogger,), {"notices": notices})
    logging.setLoggerClass(counting)
    for logger in list(logging.root.manager.loggerDict.values()):
        if not isinstance(logger, logging.Logger):
            continue
        if type(logger) is logging.Logger:
            logger.__class__ = counting
        logger.handlers.clear()
        logger.propagate = True

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        notices.add(category.__name__, str(message))

    warnings.showwarning = show
    warnings.simplefilter("always")
    return notices
