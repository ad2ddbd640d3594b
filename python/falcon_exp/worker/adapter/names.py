"""Which modules of a model belong to an adapter, and what the model's own modules are called beneath it.

peft replaces each layer that it changes by a layer of its own: ``q_proj`` becomes ``q_proj.base_layer``,
``q_proj.lora_A.default``, …; a module that was trained as a whole becomes ``lm_head.original_module`` and
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
    """Whether a module or parameter of an adapted model, given by name, belongs to the adapter."""
    return _OF_ADAPTER.search(name) is not None


def find_changed(name: str) -> str:
    """The name of the module that a part of the adapter changes."""
    found = _OF_ADAPTER.search(name)
    return name if found is None else name[: found.start()]


def plain_name(name: str) -> str:
    """The module's name before an adapter was put on it."""
    return _BENEATH.sub("", name)
