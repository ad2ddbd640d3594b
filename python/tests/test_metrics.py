"""The metrics that Python reads: those that the records and the worker know, and nothing that is not there."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from falcon_exp.results import runs
from falcon_exp.results.metrics import Metric, metrics, read_path

EXAMPLES = Path(__file__).resolve().parents[2] / "results" / "example"


def _trial_properties() -> dict[str, Any]:
    """The schema of a trial's measurement, as the worker sends it."""
    text = resources.files("falcon_exp.schema").joinpath("worker-messages.schema.json").read_text("utf-8")
    (found,) = _find_measurements(json.loads(text))
    return found


def _find_measurements(schema: Any) -> list[dict[str, Any]]:
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = schema.get("properties", {}) if isinstance(schema, dict) else {}
    here = [own] if isinstance(own, dict) and "itl_sec" in own and "output_text" in own else []
    return here + [one for child in children for one in _find_measurements(child)]


def test_every_trial_metric_that_is_read_from_a_record_is_in_the_schema_of_the_worker() -> None:
    properties = _trial_properties()
    read = [metric.record for metric in metrics() if metric.of == "trial" and metric.record is not None]
    assert len(read) > 10
    assert [path for path in read if len(path) != 1 or path[0] not in properties] == []


def test_a_kept_run_has_a_value_of_every_metric_that_is_sent_once() -> None:
    (run,) = runs(EXAMPLES / "quality")
    entry = next(one for one in run.summary["configurations"] if one["id"] == "fp4")
    missing = [metric.key for metric in metrics() if metric.mlflow and _read(metric, entry) is None]
    # The run was measured on a CPU.
    assert [key for key in missing if "allocated" not in key] == []


def _read(metric: Metric, entry: dict[str, Any]) -> float | None:
    if metric.summary is None:
        return 0.0
    return read_path(entry["quality"][0] if metric.of == "text" else entry, metric.summary)


def test_what_a_file_lacks_is_no_value() -> None:
    assert read_path({"elapsed_sec": {"median": 2}}, ("elapsed_sec", "median")) == 2.0
    assert read_path({"elapsed_sec": None}, ("elapsed_sec", "median")) is None
    assert read_path({}, ("cpu_sec", "median")) is None
    assert read_path({"load_sec": 0}, ("load_sec",)) == 0.0
