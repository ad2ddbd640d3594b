"""The metrics that Python reads exist in the records and in the worker's schema; what is missing has no value."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from falcon_exp.results import runs
from falcon_exp.results.metrics import metrics, read_load_metric, read_path

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


def test_every_metric_has_its_place_in_the_summary_of_a_kept_run() -> None:
    (run,) = runs(EXAMPLES / "quality")
    entry = next(one for one in run.summary["configurations"] if one["id"] == "fp4")
    bodies = {"trial": entry, "load": entry, "text": entry["quality"][0]}
    told = [metric for metric in metrics() if metric.summary is not None]
    # The run need not have measured every metric, because some may have been added later.
    assert [one.key for one in told if one.summary is not None and one.summary[0] not in bodies[one.of]] == []
    values = {one.key: read_path(bodies[one.of], one.summary) for one in told if one.summary is not None}
    assert values["elapsed_sec"] == entry["elapsed_sec"]["median"]
    assert values["weights_bytes"] == entry["weights_bytes"]
    assert values["kl_mean_nats"] == entry["quality"][0]["kl_divergence"]["mean"]


def test_what_a_file_lacks_is_no_value() -> None:
    assert read_path({"elapsed_sec": {"median": 2}}, ("elapsed_sec", "median")) == 2.0
    assert read_path({"elapsed_sec": None}, ("elapsed_sec", "median")) is None
    assert read_path({}, ("cpu_sec", "median")) is None
    assert read_path({"load_sec": 0}, ("load_sec",)) == 0.0


def test_a_metric_of_a_load_is_read_where_the_registry_says_it_is() -> None:
    (run,) = runs(EXAMPLES / "quality")
    configuration = next(one for one in run.data.configurations if one.id == "fp4")
    assert configuration.load is not None
    assert configuration.outcome is not None
    at_load, after = configuration.load["load"]["proof"], configuration.outcome["proof_after"]
    assert read_load_metric("load_sec", configuration) == (True, configuration.load["load"]["load_sec"])
    assert read_load_metric("weights_at_load_bytes", configuration) == (True, at_load["weights_bytes"])
    assert read_load_metric("weights_after_trials_bytes", configuration) == (True, after["weights_bytes"])
    assert read_load_metric("weights_bytes", configuration) == (True, after["weights_bytes"])
    assert read_load_metric("parameters", configuration) == (True, at_load["parameters"])
    # A metric that reads the running model has the load's value for a run that was cut off.
    begun = replace(configuration, outcome=None)
    assert read_load_metric("weights_bytes", begun) == (True, at_load["weights_bytes"])
    assert read_load_metric("weights_after_trials_bytes", begun) == (True, None)
    assert read_load_metric("elapsed_sec", configuration) == (False, None)
