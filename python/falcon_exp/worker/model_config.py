"""Makes a model's config from the mapping in an experiment file."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any, get_args

from falcon_exp.worker.failures import WorkerError


def config_from_mapping(given: dict[str, Any], floats: Sequence[Sequence[str]] = ()) -> Any:
    """The config as Transformers has it. ``floats``: the paths in it of whole numbers that were written as floats.

    Raises WorkerError ``model-corrupt`` if Transformers refuses it, ``model-architecture-unknown`` for an unknown type.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    rest = copy.deepcopy(given)
    for path in floats:
        _make_float(rest, path)
    model_type = str(rest.pop("model_type", None))
    if model_type not in CONFIG_MAPPING:
        raise WorkerError("model-architecture-unknown", f"This Transformers does not know model_type {model_type}.")
    try:
        rest = _with_floats(CONFIG_MAPPING[model_type], rest)
        return AutoConfig.for_model(model_type, **rest)
    except (ValueError, TypeError, KeyError) as error:
        raise WorkerError(
            "model-corrupt", f"The config is refused: {error}", next_step="Correct the model's config."
        ) from error


def _make_float(part: Any, path: Sequence[str]) -> None:
    for key in path[:-1]:
        part = part[int(key) if isinstance(part, list) else key]
    last: Any = int(path[-1]) if isinstance(part, list) else path[-1]
    part[last] = float(part[last])


def _with_floats(config_class: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Turns integers into floats if the class accepts only floats.

    People write 30 where the classes accept nothing but 30.0.
    """
    fields = dataclasses.fields(config_class) if dataclasses.is_dataclass(config_class) else ()
    kinds = {field.name: _kinds(field.type) for field in fields}
    parts = getattr(config_class, "sub_configs", {})
    result = {}
    for key, value in given.items():
        if isinstance(value, dict) and key in parts:
            result[key] = _with_floats(_part_class(parts[key], value), value)
        elif float in kinds.get(key, ()) and int not in kinds[key]:
            result[key] = _as_float(value)
        else:
            result[key] = value
    return result


def _part_class(named: Any, value: dict[str, Any]) -> Any:
    from transformers import CONFIG_MAPPING

    model_type = value.get("model_type")
    return CONFIG_MAPPING[model_type] if named.__name__ == "AutoConfig" and model_type in CONFIG_MAPPING else named


def _kinds(annotation: Any) -> set[Any]:
    """``float | list[float] | None`` → {float, NoneType}."""
    inner = get_args(annotation)
    return {annotation} if not inner else set().union(*(_kinds(one) for one in inner))


def _as_float(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_float(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
