"""The metrics, as src/metrics has them (``metrics.json`` is generated from there); no reader keeps its own list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A number; its unit stands in the key."""

    key: str
    #: A `trial`, a `load` of a configuration, or a scored `text`.
    of: str
    #: Keys that lead to it in a record's body; None where it is computed.
    record: tuple[str, ...] | None
    #: Keys that lead to it in a configuration's entry of summary.json (of a text: in an entry of its ``quality``).
    summary: tuple[str, ...] | None
    #: Whether it is sent to MLflow.
    mlflow: bool


@cache
def metrics() -> tuple[Metric, ...]:
    """All of them, in the order of the registry."""
    text = resources.files("falcon_exp.results").joinpath("metrics.json").read_text("utf-8")
    return tuple(
        Metric(one["key"], one["of"], _path(one["record"]), _path(one["summary"]), one["mlflow"])
        for one in json.loads(text)["metrics"]
    )


def read_path(body: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    """The number at the end of these keys; None where a key is missing, as in files from before it was measured."""
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


def _path(keys: list[str] | None) -> tuple[str, ...] | None:
    return None if keys is None else tuple(keys)
