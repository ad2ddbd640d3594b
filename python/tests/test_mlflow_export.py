"""Runs in a real MLflow store, written and read back by MLflow's own client."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcon_exp.results import ResultsError, Run, runs
from falcon_exp.results.mlflow_export import export, main
from falcon_exp.results.mlflow_figures import _name, _params, configuration_figures, run_figures
from falcon_exp.results.recorded import group_records

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "results" / "example"


@dataclass(frozen=True)
class Store:
    """A new store on this disk."""

    uri: str
    artifacts: str
    client: Any

    def export(self, folder: Path, experiment: str) -> dict[str, Any]:
        (told,) = export([folder], self.uri, experiment, f"{self.artifacts}/{experiment}")
        return told

    def runs(self, experiment: str, kind: str) -> list[Any]:
        (found,) = [one for one in self.client.search_experiments() if one.name == experiment]
        return list(self.client.search_runs([found.experiment_id], f"tags.`falcon_exp.kind` = '{kind}'"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/store.db"
    return Store(uri, f"file://{folder}/artifacts", MlflowClient(tracking_uri=uri))


@pytest.fixture
def quality() -> Run:
    (run,) = runs(EXAMPLES / "quality")
    return run


@pytest.fixture
def copied(tmp_path: Path) -> Run:
    (run,) = runs(EXAMPLES / "quant")
    return Run(shutil.copytree(run.folder, tmp_path / "quant" / run.id))


def test_a_run_is_a_run_with_one_nested_in_it_for_each_configuration(store: Store, quality: Run) -> None:
    told = store.export(quality.folder, "nested")
    assert told["action"] == "exported"
    (parent,) = store.runs("nested", "run")
    assert parent.info.run_id == told["mlflow_run_id"]
    assert parent.info.run_name == quality.id
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["falcon_exp.status"] == quality.summary["status"]
    assert parent.data.metrics["elapsed_sec"] == quality.summary["elapsed_sec"]
    children = {one.info.run_name: one for one in store.runs("nested", "configuration")}
    assert sorted(children) == ["fp4", "int8", "none"]
    assert {one.data.tags["mlflow.parentRunId"] for one in children.values()} == {parent.info.run_id}


def test_medians_quality_and_what_was_read_back_are_those_of_the_summary(store: Store, quality: Run) -> None:
    store.export(quality.folder, "figures")
    children = {one.data.tags["falcon_exp.configuration_id"]: one for one in store.runs("figures", "configuration")}
    for entry in quality.summary["configurations"]:
        data = children[entry["id"]].data
        for name in ("elapsed_sec", "ttft_sec", "decode_tokens_per_sec", "peak_memory_bytes"):
            assert data.metrics[f"median_{name}"] == entry[name]["median"]
        assert data.metrics["weights_bytes"] == entry["weights_bytes"]
        for scored in entry["quality"]:
            assert data.metrics[f"perplexity.{scored['text_id']}"] == scored["perplexity"]["value"]
        assert data.params["dtype"] == entry["dtype"]
        assert data.params["quantization_effective.method"] == entry["quantization_effective"]["method"]
        assert len(data.tags["falcon_exp.identity_sha256"]) == 64
    fp4 = next(entry for entry in quality.summary["configurations"] if entry["id"] == "fp4")
    assert children["fp4"].data.metrics["time_ratio"] == fp4["against_reference"]["time"]["ratio"]
    assert children["fp4"].data.tags["falcon_exp.verdict"] == fp4["against_reference"]["sentence"]


def test_trials_are_the_steps_of_their_metrics(store: Store, quality: Run) -> None:
    store.export(quality.folder, "steps")
    (child,) = [one for one in store.runs("steps", "configuration") if one.info.run_name == "int8"]
    history = store.client.get_metric_history(child.info.run_id, "elapsed_sec")
    trials = [one for one in quality.records() if one["kind"] == "trial" and one["configuration_id"] == "int8"]
    assert {point.step: point.value for point in history} == {
        trial["trial_index"]: trial["measurement"]["elapsed_sec"] for trial in trials
    }
    assert len(history) == len(trials) > 5


def test_charts_and_documents_lie_with_the_run(store: Store, quality: Run, tmp_path: Path) -> None:
    told = store.export(quality.folder, "files")
    fetched = Path(store.client.download_artifacts(told["mlflow_run_id"], "", str(tmp_path)))
    kept = [quality.folder / "summary.json", *quality.folder.glob("charts/*")]
    assert len(kept) > 10
    for path in kept:
        assert (fetched / path.relative_to(quality.folder)).read_bytes() == path.read_bytes()


def test_a_run_that_is_there_already_is_skipped_and_one_that_grew_is_replaced(store: Store, copied: Run) -> None:
    first = store.export(copied.folder, "again")
    again = store.export(copied.folder, "again")
    assert (again["action"], again["mlflow_run_id"]) == ("skipped", first["mlflow_run_id"])
    with copied.records_path.open("ab") as file:
        file.write(copied.records_path.read_bytes().splitlines(keepends=True)[-1])
    grown = store.export(copied.folder, "again")
    assert grown["action"] == "replaced"
    assert [one.info.run_id for one in store.runs("again", "run")] == [grown["mlflow_run_id"]]
    assert len(store.runs("again", "configuration")) == 3


def test_an_export_that_was_cut_off_is_replaced(store: Store, copied: Run) -> None:
    first = store.export(copied.folder, "cut")
    store.client.delete_tag(first["mlflow_run_id"], "falcon_exp.records_sha256")
    assert store.export(copied.folder, "cut")["action"] == "replaced"
    assert len(store.runs("cut", "run")) == 1


def test_a_configuration_that_failed_is_a_failed_run_with_its_cause(store: Store, copied: Run) -> None:
    summary = json.loads((copied.folder / "summary.json").read_text("utf-8"))
    summary["status"] = "partly_failed"
    summary["configurations"][2] |= {
        "status": "failed",
        "failure": {"code": "out-of-memory-host", "message": "x" * 10_000},
        "elapsed_sec": None,
        "against_reference": None,
        "quantization_effective": None,
    }
    (copied.folder / "summary.json").write_text(json.dumps(summary), "utf-8")
    records = copied.records_path.read_text("utf-8")
    ended = '"kind":"run_end","status":"completed"'
    assert ended in records
    copied.records_path.write_text(records.replace(ended, ended.replace("completed", "partly_failed")), "utf-8")
    store.export(copied.folder, "failed")
    assert {one.info.run_name: one.info.status for one in store.runs("failed", "configuration")} == {
        "none": "FINISHED",
        "int8": "FINISHED",
        "fp4": "FAILED",
    }
    (failed,) = [one for one in store.runs("failed", "configuration") if one.info.status == "FAILED"]
    assert failed.data.tags["falcon_exp.failure_code"] == "out-of-memory-host"
    assert 1000 < len(failed.data.tags["falcon_exp.failure_message"]) < 5000
    (parent,) = store.runs("failed", "run")
    assert parent.info.status == "FAILED"


def test_the_command_prints_one_json_object_and_nothing_else(
    store: Store, copied: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process; test/commands/export.test.ts starts the command, whose stdout must hold nothing else either."""
    to = ["--tracking-uri", store.uri, "--experiment", "command", "--artifact-location", f"{store.artifacts}/command"]
    assert main([*to, str(copied.folder)]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["run_id"], run["action"], run["configurations"]) == (copied.id, "exported", 3)


def test_what_goes_wrong_is_told_with_the_next_step(
    store: Store, copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error_of(uri: str, folder: Path) -> dict[str, str]:
        assert main(["--tracking-uri", uri, "--experiment", "wrong", str(folder)]) == 1
        told = json.loads(capsys.readouterr().out)["error"]
        assert set(told) == {"code", "message", "next"}
        return dict(told)

    assert error_of("nonsense://nowhere", copied.folder)["code"] == "mlflow-failed"
    assert error_of(store.uri, tmp_path)["code"] == "results-not-found"
    summary = (copied.folder / "summary.json").read_text("utf-8")
    of_others = summary.replace('"trials_completed": 5', '"trials_completed": 4')
    (copied.folder / "summary.json").write_text(of_others, "utf-8")
    assert "was made from other records" in error_of(store.uri, copied.folder)["message"]
    (copied.folder / "summary.json").unlink()
    assert error_of(store.uri, copied.folder)["code"] == "results-not-drawn"


def test_a_deleted_experiment_is_not_written_to(store: Store, copied: Run) -> None:
    store.client.delete_experiment(store.client.create_experiment("deleted", f"{store.artifacts}/deleted"))
    with pytest.raises(ResultsError, match="mlflow-experiment-deleted"):
        store.export(copied.folder, "deleted")


def test_every_figure_has_a_name_of_its_own_that_mlflow_takes(quality: Run) -> None:
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    data = group_records(quality.records(), "x")
    entries = quality.summary["configurations"]
    figures = [run_figures(data, quality.summary)]
    figures += [configuration_figures(data, *pair) for pair in zip(data.configurations, entries, strict=True)]
    for one in figures:
        assert len({(point.name, point.step) for point in one.points}) == len(one.points)
        for point in one.points:
            _validate_metric_name(point.name)
        for name in one.params:
            _validate_param_name(name)


@given(st.dictionaries(st.text(max_size=300), st.integers(), max_size=5))
def test_any_name_becomes_one_that_mlflow_takes_and_none_is_lost(values: dict[str, int]) -> None:
    from mlflow.utils.validation import _validate_param_name

    params = _params(values)
    assert len(params) == len(values)
    for name in params:
        _validate_param_name(name)
        assert len(name) <= 250
    assert all(_name(_name(name)) == _name(name) for name in values)
