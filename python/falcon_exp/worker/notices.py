"""The libraries' warnings: each distinct text once, with a count, instead of one line a layer and token."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from typing import Any, TextIO

_LONGEST_TEXT = 2000
#: A text that carries a number that changes would else fill the memory of a long run.
_MOST_DISTINCT = 100
_OVERFLOW = ("falcon-exp", "further distinct warnings")


class Notices(logging.Handler):
    """Collects warnings of the ``warnings`` module and log records of level WARNING and above."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, source: str, text: str) -> None:
        """Counts one warning."""
        key = (source or "unknown", text.strip()[:_LONGEST_TEXT])
        if key not in self._counts and len(self._counts) >= _MOST_DISTINCT:
            key = _OVERFLOW
        self._counts[key] += 1

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.add(record.name, record.getMessage())
        except Exception:  # noqa: BLE001  a library's malformed log call must not end a measurement
            self.add(record.name, str(record.msg))

    def listed(self) -> list[dict[str, Any]]:
        """The bodies of ``notice`` messages, in the order of first appearance."""
        return [{"source": source, "text": text, "count": count} for (source, text), count in self._counts.items()]


def collect_notices() -> Notices:
    """Routes every library's warnings of this process to the Notices returned, and nothing to stderr."""
    notices = Notices()
    root = logging.getLogger()
    root.handlers[:] = [notices]
    root.setLevel(logging.WARNING)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and "." not in name:
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
