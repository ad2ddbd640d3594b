"""What a run needs from a hub is fetched once, continued where it stopped, and then found without a network."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError

from falcon_exp.worker import fetch
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.download import fetch_model, report_to_nobody
from tests.conftest import TINY_FALCON
from tests.hub import COMMIT, Hub, hub_for_children
from tests.models import write_model

_TASKS = Path(__file__).parents[2] / "experiments" / "tasks"
GOOD = {"repo": "lab/good", "revision": None, "with_code": False}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_for_children(write_model(tmp_path / "published", TINY_FALCON), tmp_path, monkeypatch) as served:
        yield served


def _fetch(*models: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    request = json.dumps({"models": models, "adapters": [], "code_of": [], "tasks": None})
    done = subprocess.run(
        [sys.executable, "-m", "falcon_exp.worker.fetch"],
        input=request + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_what_was_fetched_is_found_when_the_hub_is_gone(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    code, events = _fetch(GOOD)
    assert (code, events[-1]) == (0, {"event": "done"})
    assert {"event": "fetched", "what": "lab/good", "commit": COMMIT} in events
    assert events[0] == {"event": "progress", "what": "lab/good", "detail": "asking the hub for main"}
    asked = len(hub.requests)
    again, _ = _fetch(GOOD)
    # The hub is asked for the branch, but for no file a second time.
    assert again == 0
    assert all("/resolve/" not in path for path, _ in hub.requests[asked:])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with hub.out_of_reach():
        assert fetch_model("lab/good", "main", with_code=False, report=report_to_nobody).commit == COMMIT


def test_what_fails_says_so_and_what_came_before_it_is_kept(hub: Hub) -> None:
    code, events = _fetch(GOOD, {**GOOD, "repo": "lab/gated"})
    assert code == 1
    assert events[-1]["event"] == "error"
    assert events[-1]["code"] == "model-gated"
    assert any(event["event"] == "fetched" for event in events)
    asked = len(hub.requests)
    _fetch(GOOD)
    assert all("/resolve/" not in path for path, _ in hub.requests[asked:])


def test_the_data_of_tasks_is_loaded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    events = io.StringIO()
    monkeypatch.setattr(fetch, "_EVENTS", events)
    fetch.fetch(
        {"models": [], "adapters": [], "code_of": [], "tasks": {"tasks": ["everyday"], "include_path": str(_TASKS)}}
    )
    last = json.loads(events.getvalue().splitlines()[-1])
    assert last == {"event": "fetched", "what": "everyday", "commit": None}


class _Failing:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def load(self, _tasks: list[str]) -> None:
        raise self._error


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def _fetch_failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_EVENTS", io.StringIO())
    monkeypatch.setattr("falcon_exp.worker.trial.lm_eval_tasks.open_tasks", lambda *_: _Failing(error))
    tasks = {"tasks": ["everyday"], "include_path": None}
    fetch.fetch({"models": [], "adapters": [], "code_of": [], "tasks": tasks})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DatasetNotFoundError("Dataset 'lab/none' doesn't exist on the Hub or cannot be accessed."), "hub-unreachable"),
        (ConnectionError("Couldn't reach 'lab/good' on the Hub (ConnectError)"), "hub-unreachable"),
        (_caused(DatasetGenerationError("while generating"), ConnectionError("reset by peer")), "hub-unreachable"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "download-disk-full"),
    ],
    ids=["not there", "no hub", "lost on the way", "disk full"],
)
def test_what_the_data_of_tasks_lacks_has_a_code_of_its_own(
    error: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkerError, match="The data of everyday") as caught:
        _fetch_failing(error, monkeypatch)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "error", [ValueError("no such split"), SyntaxError("questions.py"), FileNotFoundError("questions.jsonl")], ids=repr
)
def test_a_broken_task_is_no_unreachable_hub(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(type(error), match=str(error)):
        _fetch_failing(error, monkeypatch)
    request = json.dumps({"models": [], "adapters": [], "code_of": [], "tasks": {"tasks": [], "include_path": None}})
    told = io.StringIO()
    monkeypatch.setattr(fetch, "_EVENTS", told)
    monkeypatch.setattr(sys, "stdin", io.StringIO(request + "\n"))
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    assert fetch.main() == 1
    assert json.loads(told.getvalue().splitlines()[-1])["code"] == "worker-exception"
