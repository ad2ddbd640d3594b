"""What ``generate`` really did: which cache it made, how much that took, and whether it compiled the model.

All of this depends on the configuration, the model's ``generation_config``, the device and the library's rules, and
changes memory and speed: a static cache takes its full size at once, and on an accelerator the library then compiles
the forward pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from falcon_exp.worker.proof.stored_tensors import held_bytes

#: Used in place of a class's name if ``generate`` made no cache.
NO_CACHE = "none"
#: Names under which the library passes a cache to a model.
_CACHE_INPUTS = ("past_key_values", "cache_params")
#: Names under which a model returns its cache.
CACHE_OUTPUTS = (*_CACHE_INPUTS, "state")


class SeenCache:
    """The cache of one ``generate``; its tensors live as long as this object refers to them."""

    def __init__(self) -> None:
        self.cache: Any = None

    def name(self) -> str:
        """The cache's class; ``none`` without a cache."""
        if self.cache is None:
            return NO_CACHE
        return f"{type(self.cache).__name__}{', offloaded' if getattr(self.cache, 'offloading', False) else ''}"

    def layers(self) -> dict[str, int] | None:
        """The number of layers of each class; None if the cache has none."""
        layers = getattr(self.cache, "layers", None)
        return dict(sorted(Counter(type(layer).__name__ for layer in layers).items())) if layers else None

    def held_bytes(self) -> int | None:
        """How much the cache's tensors take, quantized ones as they are stored; None without a cache."""
        if self.cache is None:
            return None
        holders = getattr(self.cache, "layers", None) or [self.cache]
        return held_bytes(value for holder in holders for value in vars(holder).values())


class GenerateFacts:
    """All facts are None before the first watched ``generate``."""

    def __init__(self) -> None:
        self.cache_implementation: str | None = None
        self.cache_layers: dict[str, int] | None = None
        #: The largest size of a cache at the end of a ``generate``.
        self.cache_bytes: int | None = None
        self.compiled: bool | None = None
        #: The sum over all generates; None if nothing could be compiled.
        self.compilations: int | None = None
        self.compile_sec: float | None = None

    @contextmanager
    def watch(self, model: Any) -> Iterator[SeenCache]:
        """Entered around each ``generate``; its first forward pass, which is never compiled, shows the cache."""
        seen = SeenCache()

        def note(_module: Any, _inputs: Any, named: dict[str, Any]) -> None:
            handle.remove()
            seen.cache = next((named[name] for name in _CACHE_INPUTS if named.get(name) is not None), None)
            self.cache_implementation = seen.name()

        handle = model.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield seen
        finally:
            handle.remove()
        self.compiled = _is_compiled(model)

    def add_cache(self, seen: SeenCache) -> int | None:
        """Returns how much the cache took at the end of a ``generate``; called after it, outside its clock."""
        size = seen.held_bytes()
        self.cache_layers = seen.layers()
        if size is not None:
            self.cache_bytes = max(size, self.cache_bytes or 0)
        return size

    def add_compilations(self, count: int, sec: float) -> None:
        """Adds the compilations of one ``generate``."""
        self.compilations = (self.compilations or 0) + count
        self.compile_sec = (self.compile_sec or 0.0) + sec


def _is_compiled(model: Any) -> bool:
    """``generate`` keeps the compiled model under one of these names, ``model.compile()`` under the other."""
    return any(getattr(model, name, None) is not None for name in ("_compiled_call", "_compiled_call_impl"))
