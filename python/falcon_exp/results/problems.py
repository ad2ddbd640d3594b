"""What can be wrong with results, for the reader of a notebook."""

from __future__ import annotations


class ResultsError(Exception):
    """Results that cannot be read. The codes stand in docs/errors.md; ``next_step`` is the one thing to do."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step} [{code}]")
        self.code = code
        self.problem = message
        self.next_step = next_step


class ResultsWarning(UserWarning):
    """Something in the results could not be used; the rest was."""


class IncompatibleRunsWarning(ResultsWarning):
    """Runs were put into one table whose figures are not of the same work, or not of the same machine and libraries."""
