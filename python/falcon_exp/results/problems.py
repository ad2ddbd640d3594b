"""Errors and warnings about results, for the reader of a notebook."""

from __future__ import annotations


class ResultsError(Exception):
    """Results cannot be read. The codes are listed in docs/errors.md; ``next_step`` is the one thing to do."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step} [{code}]")
        self.code = code
        self.problem = message
        self.next_step = next_step


class ResultsWarning(UserWarning):
    """Something in the results could not be used; the rest was used."""


class IncompatibleRunsWarning(ResultsWarning):
    """Runs in one table did not measure the same work, or not on the same machine with the same libraries."""
