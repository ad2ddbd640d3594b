"""``python -m falcon_exp.results.mlflow_export --tracking-uri URI RUN_FOLDER...``: exports runs with MLflow's client.

A run becomes one MLflow run, and each configuration a run nested in it, with one step per trial in its metrics. Prints
one JSON object: ``{"runs": [{"run_id", "experiment", "mlflow_run_id", "action", "configurations"}]}``. ``action`` is
exported, skipped (an export of the same records is already there) or replaced (the records have grown since, or the
last export was cut off). A failure ends with exit code 1 and ``{"error": {"code", "message", "next"}}``; runs that were
exported before it stay.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falcon_exp.results.mlflow_figures import Figures, configuration_figures, run_figures
from falcon_exp.results.problems import ResultsError
from falcon_exp.results.recorded import Configuration, RunData, group_records
from falcon_exp.results.records import read_records
from falcon_exp.results.run import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Files of a run's folder that are exported if they exist; the charts are exported as well.
_ARTIFACTS = ("report.html", "summary.json", "records.parquet", "environment.json", "experiment.yaml", "answers.md")
#: The tag that is written to the parent last: an export that was cut off lacks it.
_COMPLETE = "falcon_exp.records_sha256"
_RUN_ID = "falcon_exp.run_id"
#: MLflow's own limits per call.
_METRICS_A_CALL = 1000
_PARAMS_A_CALL = 100
#: With MLflow's default of 7 it waits for minutes if nobody answers; its environment variable, if set, still decides.
_RETRIES = "3"


def export_run(client: MlflowClient, run: Run, experiment: str | None, artifact_location: str | None) -> dict[str, Any]:
    """Exports one run, unless the same records are already exported. Raises ResultsError if they cannot be read."""
    content_sha256 = hashlib.sha256(run.records_path.read_bytes()).hexdigest() if run.records_path.is_file() else ""
    data = group_records(read_records(run.records_path).records, str(run.records_path))
    summary = run.summary
    entries = list(_with_entries(run, data, summary))
    run_id = str(data.run["run_id"])
    name = experiment or f"falcon-exp {data.run['plan']['experiment']}"
    experiment_id = _experiment_id(client, name, artifact_location)
    told = {"run_id": run_id, "experiment": name, "configurations": len(data.configurations)}
    earlier = _earlier(client, experiment_id, run_id)
    parents = [one for one in earlier if one.data.tags.get("falcon_exp.kind") == "run"]
    for parent in parents:
        if parent.data.tags.get(_COMPLETE) == content_sha256:
            return {**told, "mlflow_run_id": parent.info.run_id, "action": "skipped"}
    for one in earlier:
        client.delete_run(one.info.run_id)
    parent_id = _write(client, experiment_id, data, run_figures(data, summary), None)
    for configuration, entry in entries:
        _write(client, experiment_id, data, configuration_figures(data, configuration, entry), parent_id)
    _write_artifacts(client, parent_id, run.folder)
    client.set_tag(parent_id, _COMPLETE, content_sha256)
    return {**told, "mlflow_run_id": parent_id, "action": "replaced" if earlier else "exported"}


def _with_entries(run: Run, data: RunData, summary: dict[str, Any]) -> Iterator[tuple[Configuration, dict[str, Any]]]:
    """Yields each configuration with its entry in the summary, which must have been made from these records."""
    entries = {entry["id"]: entry for entry in summary["configurations"]}
    for configuration in data.configurations:
        entry = entries.get(configuration.plan["worker"]["id"])
        if entry is None or entry["trials_completed"] != _completed(configuration):
            raise ResultsError(
                "results-not-drawn", f"{run.folder}/summary.json was made from other records.", run.report_step
            )
        yield configuration, entry


def _completed(configuration: Configuration) -> int:
    return sum(trial["status"] == "completed" for trial in configuration.trials)


def _experiment_id(client: MlflowClient, name: str, artifact_location: str | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=artifact_location))
    if found.lifecycle_stage != "active":
        raise ResultsError(
            "mlflow-experiment-deleted",
            f"The MLflow experiment {name!r} is deleted.",
            "Restore it in MLflow, or give another name with --experiment.",
        )
    return str(found.experiment_id)


def _earlier(client: MlflowClient, experiment_id: str, run_id: str) -> list[Any]:
    """What earlier exports of this run left, complete or not."""
    # Run ids come from a file: a quote in one would end the filter's string.
    quoted = run_id.replace("\\", "").replace("'", "")
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment_id], f"tags.`{_RUN_ID}` = '{quoted}'", page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _write(client: MlflowClient, experiment_id: str, data: RunData, figures: Figures, parent_id: str | None) -> str:
    from mlflow.entities import Metric, Param

    tags = dict(figures.tags)
    if parent_id is not None:
        tags["mlflow.parentRunId"] = parent_id
    start = _milliseconds(datetime.fromisoformat(data.run["at"].replace("Z", "+00:00")))
    created = client.create_run(experiment_id, start_time=start, tags=tags, run_name=figures.name)
    mlflow_run_id = str(created.info.run_id)
    params = [Param(name, value) for name, value in figures.params.items()]
    for start_at in range(0, len(params), _PARAMS_A_CALL):
        client.log_batch(mlflow_run_id, params=params[start_at : start_at + _PARAMS_A_CALL])
    metrics = [Metric(one.name, one.value, _milliseconds(one.at), one.step) for one in figures.points]
    for start_at in range(0, len(metrics), _METRICS_A_CALL):
        client.log_batch(mlflow_run_id, metrics=metrics[start_at : start_at + _METRICS_A_CALL])
    end = max((_milliseconds(one.at) for one in figures.points), default=start)
    client.set_terminated(mlflow_run_id, figures.status, end)
    return mlflow_run_id


def _write_artifacts(client: MlflowClient, mlflow_run_id: str, folder: Path) -> None:
    for name in _ARTIFACTS:
        if (folder / name).is_file():
            client.log_artifact(mlflow_run_id, str(folder / name))
    if (folder / "charts").is_dir():
        client.log_artifacts(mlflow_run_id, str(folder / "charts"), "charts")


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _require_mlflow() -> None:
    try:
        import mlflow  # noqa: F401
    except ImportError as error:
        raise ResultsError(
            "mlflow-missing",
            f"MLflow's client cannot be imported: {error}.",
            "Install it: pip install mlflow-skinny sqlalchemy alembic.",
        ) from error


def export(
    folders: Sequence[Path], tracking_uri: str, experiment: str | None, artifact_location: str | None
) -> list[dict[str, Any]]:
    """Exports runs one by one. Raises ResultsError `mlflow-missing`, `mlflow-failed`, or if results cannot be read."""
    _require_mlflow()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=tracking_uri)
        return [export_run(client, Run(folder), experiment, artifact_location) for folder in folders]
    except (MlflowException, OSError) as error:
        raise ResultsError(
            "mlflow-failed",
            f"MLflow did not accept the runs: {str(error).strip().rstrip('.')}.",
            "Check the tracking URI and that its server answers, then export again. "
            "Runs that were already exported are skipped.",
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 with an error on stdout."""
    parser = argparse.ArgumentParser(prog="python -m falcon_exp.results.mlflow_export")
    parser.add_argument("--tracking-uri", required=True, help="a server's address, or sqlite:////absolute/path.db")
    parser.add_argument("--experiment", help="MLflow's experiment; by default one for each experiment of falcon-exp")
    parser.add_argument(
        "--artifact-location", help="where files go if the experiment is new; by default MLflow decides"
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUN_FOLDER")
    given = parser.parse_args(arguments)
    answer: dict[str, Any]
    try:
        # Libraries may print anything, but stdout must hold only the answer.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _RETRIES)
        with contextlib.redirect_stdout(sys.stderr):
            answer = {"runs": export(given.folders, given.tracking_uri, given.experiment, given.artifact_location)}
    except ResultsError as error:
        answer = {"error": {"code": error.code, "message": error.problem, "next": error.next_step}}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
