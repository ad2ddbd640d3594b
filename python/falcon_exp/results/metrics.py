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


@cache
def _load_places() -> dict[str, tuple[str, str]]:
    """For each metric of a load, the part of the records that holds it, and its key there."""
    return {one["key"]: (one["from"], one["field"]) for one in _described()["loads"]}


def read_load_metric(key: str, configuration: Configuration) -> tuple[bool, Any]:
    """Whether the key is a metric of a load, and the metric's value."""
    place = _load_places().get(key)
    if place is None:
        return False, None
    load = (configuration.load or {}).get("load") or {}
    at_load = load.get("proof") or {}
    after = (configuration.outcome or {}).get("proof_after") or {}
    # `running`: the later reading, if there is one.
    parts = {"load": load, "proof": at_load, "proof_after": after, "running": after or at_load}
    part, field = place
    return True, parts[part].get(field)


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
