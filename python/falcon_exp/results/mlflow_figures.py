"""The names and values of a run that go to MLflow, made from summary.json and the records. Does not use MLflow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from falcon_exp.results.metrics import Metric, metrics, read_path
from falcon_exp.results.recorded import Configuration, RunData

#: Anything that MLflow does not accept in names: it accepts letters, digits and the characters listed here.
_NOT_IN_NAMES = re.compile(r"[^\w\-. /]", re.ASCII)
#: Lengths that every kind of MLflow store accepts.
_LONGEST_NAME, _LONGEST_PARAM, _LONGEST_TAG = 250, 500, 4000

_READ_BACK = ("dtype", "attn_implementation", "parameters", "linear_layers", "quantized_linear_layers", "offloaded")


@dataclass(frozen=True)
class Point:
    """One value of a metric; each trial is a step, counted from 0 in the order in which they ran."""

    name: str
    value: float
    at: datetime
    step: int


@dataclass(frozen=True)
class Figures:
    """What one MLflow run contains."""

    name: str
    #: In MLflow's terms: FINISHED, FAILED or KILLED.
    status: str
    params: dict[str, str]
    tags: dict[str, str]
    points: tuple[Point, ...]


_RUN_STATUS = {"completed": "FINISHED", "partly_failed": "FAILED", "all_failed": "FAILED"}
_CONFIGURATION_STATUS = {"completed": "FINISHED", "failed": "FAILED"}


def run_figures(data: RunData, summary: Mapping[str, Any]) -> Figures:
    """The parent MLflow run, which stands for a whole run."""
    packages = (data.environment or {}).get("packages", {})
    values = {name: summary.get(name) for name in ("trials_planned", "trials_completed", "trials_failed")}
    values["elapsed_sec"] = summary.get("elapsed_sec")
    return Figures(
        name=str(summary["run_id"]),
        status=_RUN_STATUS.get(summary["status"], "KILLED"),
        params=_params(
            {
                "model": summary["model_name"],
                "reference": summary["reference_configuration_id"],
                "repeats": data.run["plan"]["repeats"],
                "prompts": len(data.run["prompts"]),
                "falcon_exp": data.run["falcon_exp_version"],
                **{f"package.{name}": version for name, version in packages.items()},
            }
        ),
        tags=_tags(
            {
                "falcon_exp.kind": "run",
                "falcon_exp.run_id": summary["run_id"],
                "falcon_exp.experiment": summary["experiment"],
                "falcon_exp.status": summary["status"],
                "falcon_exp.host": data.run["controller"]["hostname"],
                "mlflow.source.git.commit": data.run["controller"]["git_commit"],
            }
        ),
        points=tuple(_single(values, _end_of(data))),
    )


def configuration_figures(data: RunData, configuration: Configuration, summary: Mapping[str, Any]) -> Figures:
    """A child MLflow run, which stands for one configuration; ``summary`` is its entry in summary.json."""
    worker, generation = configuration.plan["worker"], configuration.plan["generation"]
    effective = summary["quantization_effective"] or {}
    failure = summary["failure"] or {}
    return Figures(
        name=configuration.label,
        status=_CONFIGURATION_STATUS.get(summary["status"], "KILLED"),
        params=_params(
            {
                "quantization_requested": worker["quantization"]["method"],
                **{f"quantization_effective.{key}": value for key, value in effective.items()},
                "device_requested": worker["device"],
                **{key: summary[key] for key in _READ_BACK},
                **{f"generation.{key}": value for key, value in generation.items()},
                **{f"axis.{key}": value for key, value in configuration.plan["axes"].items()},
                "is_reference": configuration.is_reference,
            }
        ),
        tags=_tags(
            {
                "falcon_exp.kind": "configuration",
                "falcon_exp.run_id": data.run["run_id"],
                "falcon_exp.experiment": data.run["plan"]["experiment"],
                "falcon_exp.configuration_id": worker["id"],
                "falcon_exp.status": summary["status"],
                "falcon_exp.identity_sha256": (configuration.load or {}).get("identity_sha256"),
                "falcon_exp.failure_code": failure.get("code"),
                "falcon_exp.failure_message": failure.get("message"),
                "falcon_exp.verdict": (summary["against_reference"] or {}).get("sentence"),
            }
        ),
        points=(*_trial_points(configuration), *_single(_summary_values(summary), _end_of(data))),
    )


def _trial_points(configuration: Configuration) -> Iterator[Point]:
    for trial in configuration.trials:
        if trial["status"] != "completed":
            continue
        for metric in _sent("trial"):
            value = None if metric.record is None else read_path(trial["measurement"], metric.record)
            if value is not None:
                yield Point(metric.key, value, _time(trial["at"]), int(trial["trial_index"]))


def _summary_values(summary: Mapping[str, Any]) -> dict[str, float | None]:
    values = {metric.key: read_path(summary, metric.summary) for metric in _sent("load") if metric.summary is not None}
    for metric in _sent("trial"):
        if metric.summary is not None:
            values[f"median_{metric.key}"] = read_path(summary, metric.summary)
    against = summary["against_reference"] or {}
    values["weights_ratio"] = against.get("weights_ratio")
    values["answers_equal"] = against.get("answers_equal")
    for name in ("memory", "time"):
        effect = against.get(name) or {}
        values[f"{name}_ratio"] = effect.get("ratio")
        values[f"{name}_ratio_ci99_low"] = effect.get("ci99_low")
        values[f"{name}_ratio_ci99_high"] = effect.get("ci99_high")
    for scored in summary["quality"]:
        for metric in _sent("text"):
            if metric.summary is not None:
                values[f"{metric.key}.{scored['text_id']}"] = read_path(scored, metric.summary)
    for task in summary["lm_eval"]:
        values[f"{task['task']}.{task['metric']}.{task['filter']}"] = task["value"]
    return values


def _sent(of: str) -> Iterator[Metric]:
    return (metric for metric in metrics() if metric.of == of and metric.mlflow)


def _single(values: Mapping[str, float | None], at: datetime) -> Iterator[Point]:
    names: set[str] = set()
    for name, value in values.items():
        if value is not None:
            yield Point(_unique(_name(name), name, names), float(value), at, 0)


def _params(values: Mapping[str, object]) -> dict[str, str]:
    names: set[str] = set()
    return {
        _unique(_name(name), name, names): _short(str(value), _LONGEST_PARAM)
        for name, value in values.items()
        if value is not None
    }


def _tags(values: Mapping[str, object]) -> dict[str, str]:
    return {name: _short(str(value), _LONGEST_TAG) for name, value in values.items() if value is not None}


def _name(text: str) -> str:
    """A name that MLflow accepts; it refuses paths with parts such as ``..``, so these become ``_``."""
    return "/".join(part.strip(". ") or "_" for part in _NOT_IN_NAMES.sub("_", text).split("/"))[:_LONGEST_NAME]


def _unique(name: str, original: str, taken: set[str]) -> str:
    """Adds part of a hash to a name that is taken: originals may differ only in what MLflow does not accept."""
    found = (
        name
        if name not in taken
        else f"{name[:240]}_{hashlib.sha256(original.encode('utf-8', 'replace')).hexdigest()[:8]}"
    )
    taken.add(found)
    return found


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _end_of(data: RunData) -> datetime:
    """When the run ended, or, if it has not, when its last trial ended."""
    if data.end is not None:
        return _time(data.end["at"])
    trials = [trial["at"] for configuration in data.configurations for trial in configuration.trials]
    return _time(max([data.run["at"], *trials]))
