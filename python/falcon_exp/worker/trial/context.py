"""A model's context: how many tokens it was made for, and what happens behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

#: Some tables begin with a few entries that no position uses (OPT has two).
_MOST_UNUSED_ENTRIES = 8


def read_context(config: Any) -> int | None:
    """Returns the model's context in tokens; None if it has no limit of its own."""
    text_config = config.get_text_config()
    if getattr(text_config, "alibi", False):
        return None
    context: int | None = getattr(text_config, "max_position_embeddings", None)
    return context


def read_row_limit(model: Any) -> int | None:
    """Returns how many tokens a row of a batch may reach without an error, and without changing other rows' answers.

    None for any number of tokens: positions by rotation are computed one by one. But where their scale depends on the
    length (``dynamic``, ``longrope``), the furthest position sets it for all rows. A table of positions has an end.
    """
    context = read_context(model.config)
    text_config = model.config.get_text_config()
    parameters = getattr(text_config, "rope_parameters", None)
    if not isinstance(parameters, Mapping):
        return context if context is not None and _has_position_table(model, context) else None
    # Models whose layers differ have one mapping for each type of layer.
    kinds = [one for one in parameters.values() if isinstance(one, Mapping)] or [parameters]
    limits = [_read_rotation_limit(kind, context) for kind in kinds]
    return min((limit for limit in limits if limit is not None), default=None)


def _read_rotation_limit(parameters: Mapping[str, Any], context: int | None) -> int | None:
    kind = str(parameters.get("rope_type", "default"))
    if kind == "longrope":
        original: int | None = parameters.get("original_max_position_embeddings")
        return original
    return context if "dynamic" in kind else None


def _has_position_table(model: Any, context: int) -> bool:
    """Whether a tensor has an entry for each position: an embedding other than the tokens', or a buffer."""
    sizes = range(context, context + _MOST_UNUSED_ENTRIES + 1)
    tokens = model.get_input_embeddings()
    tables = [one for one in model.modules() if isinstance(one, torch.nn.Embedding) and one is not tokens]
    return any(table.num_embeddings in sizes for table in tables) or any(
        buffer.dim() == 2 and buffer.shape[0] in sizes for buffer in model.buffers()
    )
