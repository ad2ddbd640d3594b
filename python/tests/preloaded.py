"""Helper processes that start quickly: forked from a process that has imported the libraries, not started afresh."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

import pytest


class PreloadedProcess:
    """Replaces ``subprocess.Popen`` for ``python -m module`` with pipes as stdin and stdout."""

    def __init__(self, command: list[str], **_: Any) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        # The same forkserver that the probes of fit_measure are forked from.
        context.set_forkserver_preload(["falcon_exp.worker.trial.preload"])
        its_stdin, stdin = context.Pipe(duplex=False)
        stdout, its_stdout = context.Pipe(duplex=False)
        self._process = context.Process(target=_run_module, args=(command[-1], its_stdin, its_stdout))
        self._process.start()
        for its_own in (its_stdin, its_stdout):
            its_own.close()
        self.stdin, self.stdout = _as_file(stdin, "w"), _as_file(stdout, "r")

    @property
    def returncode(self) -> int | None:
        """As in Popen."""
        code: int | None = self._process.exitcode
        return code

    def __enter__(self) -> PreloadedProcess:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stdin.close()
        self.stdout.close()
        self._process.join()


def _as_file(connection: Connection, mode: str) -> Any:
    with connection:
        return os.fdopen(os.dup(connection.fileno()), mode, encoding="utf-8")


def _run_module(module: str, stdin: Connection, stdout: Connection) -> None:
    sys.stdin, sys.stdout = _as_file(stdin, "r"), _as_file(stdout, "w")
    runpy.run_module(module, run_name="__main__", alter_sys=True)


@pytest.fixture
def preloaded_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Helper processes begin with their libraries imported. For tests of what they do; other tests start real ones."""
    monkeypatch.setattr("falcon_exp.worker.helper_process.subprocess.Popen", PreloadedProcess)
