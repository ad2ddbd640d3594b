"""Which modules of a model are an adapter's, and what the model's own are called beneath it.

peft puts a layer of its own in the place of one that it changes: ``q_proj`` becomes ``q_proj.base_layer``,
``q_proj.lora_A.default``, …; a module that was trained whole becomes ``lm_head.original_module`` and
``lm_head.modules_to_save.default``.
"""

from __future__ import annotations

import re
from typing import Any

_OF_ADAPTER = re.compile(r"(^|\.)(lora_(?:A|B|embedding_A|embedding_B|magnitude_vector)|modules_to_save)(\.|$)")
_BENEATH = re.compile(r"\.(base_layer|original_module)(?=\.|$)")


def is_adapted(model: Any) -> bool:
    """Whether an adapter was put on the live model."""
    return bool(getattr(model, "peft_config", None))


def is_of_adapter(name: str) -> bool:
    """Of a module's or a parameter's name in an adapted model."""
    return _OF_ADAPTER.search(name) is not None


def find_changed(name: str) -> str:
    """The module of the model that a part of the adapter changes."""
    found = _OF_ADAPTER.search(name)
    return name if found is None else name[: found.start()]


def plain_name(name: str) -> str:
    """As the module was called before an adapter was put on it."""
    return _BENEATH.sub("", name)
