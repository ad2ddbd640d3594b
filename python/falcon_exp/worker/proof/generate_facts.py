"""What ``generate`` did by the model's own settings: which cache it made, and whether it compiled the model.

Both are decided by the model's ``generation_config``, the device and the library's rules, and both change memory and
speed: a static cache takes its full size at once, and on an accelerator has the forward pass compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: In place of a class's name where ``generate`` made no cache.
NO_CACHE = "none"
#: Names under which the library hands a cache to a model.
_CACHE_INPUTS = ("past_key_values", "cache_params")
#: Names under which a model gives its cache back.
CACHE_OUTPUTS = (*_CACHE_INPUTS, "state")


class GenerateFacts:
    """Seen during the first ``generate`` that is watched; None before."""

    def __init__(self) -> None:
        self.cache_implementation: str | None = None
        self.compiled: bool | None = None

    @contextmanager
    def watch(self, model: Any) -> Iterator[None]:
        """Around each ``generate``. From the second on nothing is done, so that what is timed is not disturbed."""
        if self.compiled is not None:
            yield
            return

        def note(_module: Any, _inputs: Any, named: dict[str, Any]) -> None:
            # The prefill, which is never compiled, tells enough.
            handle.remove()
            self.cache_implementation = _name_cache(named)

        handle = model.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()
        self.compiled = _is_compiled(model)


def _name_cache(named: dict[str, Any]) -> str:
    cache = next((named[name] for name in _CACHE_INPUTS if named.get(name) is not None), None)
    if cache is None:
        return NO_CACHE
    return f"{type(cache).__name__}{', offloaded' if getattr(cache, 'offloading', False) else ''}"


def _is_compiled(model: Any) -> bool:
    """Kept by ``generate`` under one name, by ``model.compile()`` under the other."""
    return any(getattr(model, name, None) is not None for name in ("_compiled_call", "_compiled_call_impl"))
