"""lm-evaluation-harness on the model object that was measured, with a local task."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.lm_eval_tasks import run_tasks
from falcon_exp.worker.trial.loading import load
from tests.conftest import configuration

_TASKS = Path(__file__).parents[2] / "experiments" / "tasks"


def _request(**changes: Any) -> dict[str, Any]:
    return {
        "tasks": ["everyday"],
        "include_path": str(_TASKS),
        "limit": 8,
        "num_fewshot": None,
        "seed": 0,
        **changes,
    }


@pytest.fixture(scope="module", autouse=True)
def one_index_of_tasks() -> Iterator[None]:
    """The library's index of its tasks is made once: it reads thousands of files, the same ones each time."""
    from lm_eval import tasks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "TaskManager", functools.cache(tasks.TaskManager))
        yield


def test_a_local_task_gives_values_with_their_errors_version_and_hash(tmp_path: Path) -> None:
    loaded = load(configuration("fp4"), tmp_path, Devices.open())
    calls: list[int] = []
    first = run_tasks(loaded, _request(), calls.append)
    again = run_tasks(loaded, _request(), calls.append)
    other = run_tasks(loaded, _request(limit=4), calls.append)
    assert [row["metric"] for row in first["results"]] == ["acc", "acc_norm"]
    row = first["results"][0]
    assert row["task_version"] == "1.0"
    assert row["samples"] == 8
    assert 0 <= row["value"] <= 1
    assert row["stderr"] is not None
    assert row["higher_is_better"] is True
    assert again["results"] == first["results"]
    assert other["results"][0]["samples_sha256"] != row["samples_sha256"]
    assert len(first["sample_hashes"]["everyday"]) == 8
    assert other["sample_hashes"]["everyday"] == first["sample_hashes"]["everyday"][:4]
    assert calls


def test_a_task_that_nobody_knows_is_named(tmp_path: Path) -> None:
    loaded = load(configuration(), tmp_path, Devices.open())
    with pytest.raises(WorkerError, match="everydoy") as caught:
        run_tasks(loaded, _request(tasks=["everydoy"]), lambda _: None)
    assert caught.value.code == "lm-eval-task-unknown"
