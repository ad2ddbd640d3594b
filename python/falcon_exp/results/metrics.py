"""The metrics of src/metrics, from which ``metrics.json`` is generated; no reader keeps a list of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from falcon_exp.results.recorded import Configuration


@dataclass(frozen=True)
class Metric:
    """A metric; its key names the unit."""

    key: str
    #: What it belongs to: a `trial`, a `load` of a configuration, or a scored `text`.
    of: str
    #: Keys that lead to it in a record's body; None if it is computed.
    record: tuple[str, ...] | None
    #: Keys that lead to it in a configuration's entry of summary.json (for a text: in an entry of its ``quality``).
    summary: tuple[str, ...] | None
    #: Whether it is sent to MLflow.
    mlflow: bool
    #: Whether other work on the machine changes it.
    timed: bool
    #: Keys of a trial's measurement that may hold it; the first one that any trial has is used.
    sources: tuple[str, ...]


@cache
def metrics() -> tuple[Metric, ...]:
    """All metrics, in the order of the registry."""
    return tuple(
        Metric(
            one["key"],
            one["of"],
            _path(one["record"]),
            _path(one["summary"]),
            one["mlflow"],
            one["timed"],
            tuple(one["sources"]),
        )
        for one in _described()["metrics"]
    )


@cache
def columns() -> tuple[tuple[str, str], ...]:
    """Name and type of every column of the flat table, in order."""
    return tuple((one["name"], one["type"]) for one in _described()["columns"])


#: Metrics of a load that are read again after the last trial; the later reading is used if there is one.
_RUNNING = frozenset({"weights_bytes", "matrix_weights_quantized_share", "mean_bits_per_weight"})
_AFTER = frozenset({"compilations", "compile_sec"})
_COUNTED = frozenset({"parameters", "linear_layers", "quantized_linear_layers"})


def read_load_metric(key: str, configuration: Configuration) -> tuple[bool, Any]:
    """Whether the key is a metric of a load, and the metric's value."""
    load = (configuration.load or {}).get("load") or {}
    at_load = load.get("proof") or {}
    after = (configuration.outcome or {}).get("proof_after") or {}
    if key in _RUNNING:
        return True, (after or at_load).get(key)
    if key in _AFTER:
        return True, after.get(key)
    if key in _COUNTED:
        return True, at_load.get(key)
    if key == "weights_after_trials_bytes":
        return True, after.get("weights_bytes")
    path = next((one.record for one in metrics() if one.key == key and one.of == "load"), None)
    return path is not None, None if path is None else find_value(load, path)


def read_path(body: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    """The number that these keys lead to; None if a key is missing, as in files older than the metric."""
    value = find_value(body, path)
    return None if value is None else float(value)


def find_value(body: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value that these keys lead to, unchanged; None if a key is missing."""
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@cache
def _described() -> dict[str, Any]:
    text = resources.files("falcon_exp.results").joinpath("metrics.json").read_text("utf-8")
    described = json.loads(text)
    assert isinstance(described, dict)
    return described


def _path(keys: list[str] | None) -> tuple[str, ...] | None:
    return None if keys is None else tuple(keys)
