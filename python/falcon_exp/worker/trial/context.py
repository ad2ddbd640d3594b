"""A model's context: how many tokens it was made for, and what happens behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def read_context(config: Any) -> int | None:
    """Returns the model's context in tokens; None if it has no limit of its own."""
    text_config = config.get_text_config()
    if getattr(text_config, "alibi", False):
        return None
    context: int | None = getattr(text_config, "max_position_embeddings", None)
    return context


def can_run_past_context(config: Any) -> bool:
    """Whether a row of a batch may go on behind the context without an error, and without changing other rows.

    True for positions by rotation: each is computed on its own. ``dynamic`` ones are the exception, since the furthest
    position sets the frequencies of all rows. False for learned positions, of which a table holds no more.
    """
    text_config = config.get_text_config()
    if read_context(text_config) is None:
        return True
    parameters = getattr(text_config, "rope_parameters", None)
    if not isinstance(parameters, Mapping):
        return False
    # Models whose layers differ have one mapping for each type of layer.
    kinds = [one for one in parameters.values() if isinstance(one, Mapping)] or [parameters]
    return all("dynamic" not in str(kind.get("rope_type", "default")) for kind in kinds)
