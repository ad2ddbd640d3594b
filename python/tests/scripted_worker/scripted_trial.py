"""Replaces the work of the trial process."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from typing import NoReturn

import psutil

from falcon_exp.worker.environment import read_golden  # type: ignore[attr-defined]
from falcon_exp.worker.failures import error_body

#: The message of the error that torch raises, by prompt.
ERRORS = {
    "illegal address": "CUDA error: an illegal memory access was encountered",
    "poisoned": "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, use spawn",
    "out of memory": "CUDA out of memory. Tried to allocate 2.00 GiB",
}

#: What is sent to the supervisor, by prompt.
SIGNALS = {"kill the supervisor": signal.SIGKILL, "stop the supervisor": signal.SIGSTOP}


def stay() -> NoReturn:
    """Never returns; only SIGKILL ends the process."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(3600)


class TrialProcess:
    """Loads any configuration.

    With the label ``stays``, the process does not end by itself after `unload`. The prompt says what a generate does:
    ``compute`` forever, ``stay`` until it is killed, ``fork`` processes that stay, ``fork and die``, raise one of
    ERRORS, send one of SIGNALS and stay, or answer.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def serve(self) -> None:
        """Serves requests like the real process."""
        while True:
            try:
                command, body = self._connection.recv()
            except EOFError:
                return
            if command == "load":
                if body["configuration"]["label"] == "stays":
                    multiprocessing.util.Finalize(None, stay, exitpriority=100)
                known = body["remembered"]
                # Reported as ``download_sec``: the number of earlier loads that the process knows of.
                measurement = {**read_golden("ok-load")["measurement"], "download_sec": float(len(known))}
                self._connection.send(("ok", {"measurement": measurement, "remembered": {**known, str(len(known)): 1}}))
            elif command == "check_prompt":
                self._connection.send(("ok", read_golden("ok-check-prompt")))
            elif command == "generate":
                self._generate(body["prompt"], body["phase"])
            else:
                self._connection.send(("ok", {"proof_after": None}))
                return

    def _generate(self, prompt: str, phase: str) -> None:
        try:
            if prompt in SIGNALS:
                # Its parent, the forkserver, is a child of the supervisor.
                os.kill(psutil.Process(os.getppid()).ppid(), SIGNALS[prompt])
                stay()
            if prompt == "stay":
                self._connection.send(("progress", {"phase": phase, "detail": "staying", "output_tokens": 1}))
                stay()
            if prompt == "compute":
                self._compute(phase)
            if prompt in ERRORS:
                raise RuntimeError(ERRORS[prompt])
            if prompt.startswith("fork"):
                fork()
            if prompt == "fork and die":
                signal.raise_signal(signal.SIGKILL)
            self._connection.send(("ok", read_golden("ok-generate-on-a-cpu")))
        except Exception as error:
            self._connection.send(("error", error_body(error, phase)))

    def _compute(self, phase: str) -> NoReturn:
        while True:
            self._connection.send(("progress", {"phase": phase, "detail": "generating", "output_tokens": 1}))
            time.sleep(0.1)


def fork() -> None:
    """Starts one process as a library's pool forks it, and one that leaves the worker's process group."""
    multiprocessing.get_context("fork").Process(target=stay).start()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
    subprocess.Popen([sys.executable, "-S", "-c", code], start_new_session=True)
