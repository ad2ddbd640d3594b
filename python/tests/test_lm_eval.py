"""lm-evaluation-harness on the model object that was measured, with a local task."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.tasks import manager

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial import lm_eval_tasks
from falcon_exp.worker.trial.lm_eval_tasks import run_tasks
from falcon_exp.worker.trial.loading import load
from tests.conftest import configuration
from tests.driver import WorkerDriver
from tests.processes import is_alive

_TASKS = Path(__file__).parents[2] / "experiments" / "tasks"


def _request(**changes: Any) -> Any:
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
    """Builds the library's index of tasks only once, because it reads the same thousands of files each time."""
    from lm_eval import tasks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "TaskManager", functools.cache(tasks.TaskManager))
        yield


def test_a_local_task_gives_values_with_their_errors_version_and_hash() -> None:
    loaded = load(configuration("fp4"), Devices.open())
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


def test_questions_are_read_together_and_score_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(configuration(dtype="float32"), Devices.open())
    together: list[int] = []
    first = run_tasks(loaded, _request(), together.append)
    monkeypatch.setattr(lm_eval_tasks, "MOST_ROWS", 1)
    alone: list[int] = []
    second = run_tasks(loaded, _request(), alone.append)
    assert first["results"] == second["results"]
    assert together[-1] < alone[-1] / 4


def test_as_many_questions_are_read_together_as_their_logits_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(configuration(), Devices.open())
    assert lm_eval_tasks._rows_at_once(loaded, 20) == lm_eval_tasks.MOST_ROWS
    assert lm_eval_tasks._rows_at_once(loaded, 20_000) == 1_000_000_000 // (8 * 384 * 20_000)
    assert lm_eval_tasks._rows_at_once(loaded, 10_000_000) == 1
    # In int8, questions that are read together would change each other's results.
    assert lm_eval_tasks._rows_at_once(load(configuration("int8"), Devices.open()), 20) == 1


def test_a_task_that_nobody_knows_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The library looks for its own tasks beside this module. Here it finds those of one folder, not 14,000 files.
    library = Path(manager.__file__).parent
    shutil.copytree(library / "arc", tmp_path / "arc")
    monkeypatch.setattr(manager, "__file__", str(tmp_path / "manager.py"))
    loaded = load(configuration(), Devices.open())
    with pytest.raises(WorkerError, match="is called everydoy") as caught:
        run_tasks(loaded, _request(tasks=["everyday", "arc_easy", "everydoy"]), lambda _: None)
    assert caught.value.code == "lm-eval-task-unknown"


_FORKING_TASK = """
task: forking
custom_dataset: !function forking.load
test_split: test
output_type: multiple_choice
doc_to_text: "{{start}}"
doc_to_choice: "{{endings}}"
doc_to_target: right
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""

_FORKING_CODE = """
import multiprocessing

import datasets


def answer(number):
    return {"start": f"One and {number} is", "endings": ["right", "wrong"], "right": number % 2}


def load(**_):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        rows = pool.map(answer, range(4))
    rows = datasets.Dataset.from_list(rows).map(lambda row: row, num_proc=2)
    return {"test": rows}
"""


def test_a_task_that_reads_its_documents_in_processes_of_its_own_runs_in_the_trial_process(
    shared_worker: WorkerDriver, tmp_path: Path
) -> None:
    (tmp_path / "forking.yaml").write_text(_FORKING_TASK, "utf-8")
    (tmp_path / "forking.py").write_text(_FORKING_CODE, "utf-8")
    pid = shared_worker.ok("load", {"configuration": configuration()})["trial_pid"]
    asked = _request(tasks=["forking"], include_path=str(tmp_path), limit=None)
    [row] = shared_worker.ok("lm_eval", asked)["measurement"]["results"]
    assert row["samples"] == 4
    shared_worker.ok("unload")
    assert not is_alive(pid)
