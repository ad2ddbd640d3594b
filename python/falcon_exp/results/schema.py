"""The schema of a record, as defined in src/run/record-types.ts, from which ``records.schema.json`` is generated."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

Record = dict[str, Any]

#: The same as RECORD_SCHEMA_VERSION in src/run/record-types.ts.
SCHEMA_VERSION = 1

_STANDARD_ITEMS = Draft202012Validator.VALIDATORS["items"]


def _items(validator: Any, items: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """``items``, except that a list of plain numbers is checked in one go: a scored text holds tens of thousands."""
    if isinstance(instance, list) and isinstance(items, dict) and items.keys() <= {"type", "minimum", "maximum"}:
        types = {"number": (int, float), "integer": (int,)}.get(items.get("type", ""), ())
        low, high = items.get("minimum", -math.inf), items.get("maximum", math.inf)
        if types and all(type(value) in types and low <= value <= high for value in instance):
            return
    yield from _STANDARD_ITEMS(validator, items, instance, schema)


_Validator: Any = extend(Draft202012Validator, {"items": _items})  # type: ignore[no-untyped-call]


#: A kind of record, and its status if that decides what else the record holds.
_Variant = tuple[str, str | None]


@cache
def _validators() -> dict[_Variant, Any]:
    """One validator per variant: a schema of all variants would try each, and its error would say nothing useful."""
    text = resources.files("falcon_exp.results").joinpath("records.schema.json").read_text("utf-8")
    whole = json.loads(text)
    shared = {"$defs": whole.get("$defs", {})}
    found: dict[_Variant, Any] = {}
    for entry in whole["oneOf"]:
        for alternative in entry.get("oneOf", [entry]):
            properties = alternative["properties"]
            variant = (properties["kind"]["const"], properties.get("status", {}).get("const"))
            found[variant] = _Validator({**shared, **alternative})
    return found


def kinds() -> frozenset[str]:
    """Every kind of record there is."""
    return frozenset(kind for kind, _ in _validators())


def schema_problem(record: object) -> str | None:
    """Says in one sentence why something is not a valid record; None if it is one."""
    if not isinstance(record, dict):
        return "not an object"
    kind, status = record.get("kind"), record.get("status")
    if not isinstance(kind, str) or kind not in kinds():
        return f"unknown kind {kind!r}"
    validators = _validators()
    validator = validators.get((kind, None))
    if validator is None:
        validator = validators.get((kind, status)) if isinstance(status, str) else None
    if validator is None:
        return f"unknown status {status!r}"
    try:
        error = best_match(validator.iter_errors(record))
    except RecursionError:
        return "nested too deeply"
    if error is None:
        return None
    where = "/".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}" if where else str(error.message)
