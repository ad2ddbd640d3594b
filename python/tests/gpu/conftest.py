"""The GPU machine, its worker, a plain loop to compare it with, and the figures that ``npm run check:gpu`` prints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import opened_worker
from tests.driver import WorkerDriver
from tests.gpu import models
from tests.gpu.machine import GpuMachine, find_reason_to_skip

_PLAIN_LOOP = Path(__file__).with_name("plain_loop.py")

Note = Callable[[str, str, str], None]


@pytest.fixture(scope="session")
def gpu_reason() -> str | None:
    """Why there is no GPU to run on; None if there is one."""
    return find_reason_to_skip()


@dataclass(frozen=True)
class StartedMachine:
    """A machine and a worker on it that has answered ``start``."""

    machine: GpuMachine
    worker: WorkerDriver


@pytest.fixture(scope="session")
def started(gpu_reason: str | None, home: Path) -> Iterator[StartedMachine]:
    """One worker for all tests that need no environment of their own."""
    if gpu_reason is not None:
        pytest.skip(gpu_reason)
    with opened_worker(home) as worker:
        environment = worker.ok("start")["environment"]
        assert environment["gpus"], "torch sees a card, and the worker tells of none"
        yield StartedMachine(GpuMachine(environment, environment["gpus"][0]["is_simulated"]), worker)


@pytest.fixture(scope="session")
def machine(started: StartedMachine) -> GpuMachine:
    return started.machine


@pytest.fixture
def worker(started: StartedMachine) -> Iterator[WorkerDriver]:
    """The shared worker, without a trial process before and after the test."""
    yield started.worker
    started.worker.ok("unload")
    started.worker.forget()


class PlainLoop:
    """``plain_loop.py`` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        arguments = [sys.executable, "-m", "tests.gpu.plain_loop"]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, bufsize=1
        )

    def ask(self, do: str, **command: Any) -> dict[str, Any]:
        """Returns the answer. Raises AssertionError if the process has ended; its traceback is on stderr."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        line = self._process.stdout.readline()
        assert line, f"the plain loop ended while it was asked to {do}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


@pytest.fixture(scope="session")
def plain(started: StartedMachine) -> Iterator[PlainLoop]:
    loop = PlainLoop(Path(__file__).parents[2])
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def model_folder(machine: GpuMachine, plain: PlainLoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One model for all tests, drawn by the plain loop so that falcon-exp has no influence on it."""
    folder = str(tmp_path_factory.mktemp("model"))
    config = models.SIMULATED_LLAMA if machine.is_simulated else models.CARD_LLAMA
    plain.ask("draw", config=config, seed=models.SEED, folder=folder)
    return folder


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Adds a row to check:gpu's table: what was measured, the figure, the expectation. Call it before asserting."""

    def note_row(what: str, figure: str, expected: str) -> None:
        print(f"{what}: {figure} (expected: {expected})")
        row = {"what": what, "figure": figure, "expected": expected}
        request.node.user_properties.append(("figure", json.dumps(row)))

    return note_row
