"""The cache that a configuration asks for (``cache`` in its generation): requested from the library, or made here."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.wire_types import Cache, CacheQuantized

#: Backends of quantized caches: the module, and the package that contains it.
_BACKENDS = {"quanto": ("optimum.quanto", "optimum-quanto"), "hqq": ("hqq", "hqq")}
#: The library's class for each type of cache.
_CLASSES = {"dynamic": "DynamicCache", "static": "StaticCache", "quantized": "QuantizedCache"}
_LAYERS = {"quanto": "QuantoQuantizedLayer", "hqq": "HQQQuantizedLayer"}


@dataclass
class CacheRoom:
    """The length of static caches: enough for every prompt checked, so that all are equal."""

    tokens: int = 0
    _shortest_prompt: int = sys.maxsize
    _longest_prompt: int = 0

    def admit(self, prompt_tokens: int, cached_tokens: int) -> None:
        """Makes room for one more prompt: its own tokens, and those of the cache that holds its answer as well."""
        self._shortest_prompt = min(self._shortest_prompt, prompt_tokens)
        self._longest_prompt = max(self._longest_prompt, prompt_tokens)
        self.tokens = max(self.tokens, cached_tokens)

    def admit_batches(self, cached_tokens: int) -> None:
        """Makes room for every batch of the prompts admitted, if each row may fill ``cached_tokens`` on its own.

        Rows are padded to the longest prompt, and then all have as many new tokens as the shortest one may.
        """
        self.tokens = max(self.tokens, cached_tokens + self._longest_prompt - self._shortest_prompt)


def apply_cache(settings: Any, asked: Cache | None, room: CacheRoom) -> None:
    """Asks ``generate`` for this cache; if none was asked for, the library and the model's own files decide."""
    if asked is None:
        return
    settings.cache_implementation = asked["type"]
    settings.cache_config = None
    if asked["type"] == "static":
        settings.max_cache_len = room.tokens
    if asked["type"] == "quantized":
        settings.cache_config = _quantized_options(asked)


def make_cache(model: Any, asked: Cache | None, tokens: int) -> Any:
    """Makes this cache as an object that can be filled before ``generate``; ``tokens``: the length of a static one."""
    from transformers import DynamicCache, QuantizedCache, StaticCache

    config = model.config.get_text_config(decoder=True)
    if asked is not None and asked["type"] == "quantized":
        return QuantizedCache(config=config, **_quantized_options(asked))
    if asked is not None and asked["type"] == "static":
        return StaticCache(config=config, max_cache_len=tokens)
    return DynamicCache(config=config)


def _quantized_options(asked: CacheQuantized) -> dict[str, Any]:
    return {"backend": asked["backend"], "nbits": asked["bits"], "q_group_size": asked["group"]}


def refuse_unavailable_cache(model: Any, asked: Cache | None) -> None:
    """Raises WorkerError ``cache-unavailable`` if this cache cannot be made here."""
    if asked is None:
        return
    if not model._supports_default_dynamic_cache():
        raise _unavailable(asked, f"{type(model).__name__} has no cache that Transformers could replace")
    if asked["type"] != "quantized":
        return
    module, package = _BACKENDS[asked["backend"]]
    if not _is_there(module):
        raise _unavailable(
            asked,
            f"{package} is not installed",
            next_step=f"Install {package} into this environment, or leave this cache out.",
        )
    try:
        make_cache(model, asked, 1)
    except (ValueError, ImportError) as error:
        raise _unavailable(asked, str(error)) from error


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def verify_cache(asked: Cache | None, found: str | None, layers: dict[str, int] | None) -> None:
    """Raises WorkerError ``cache-mismatch`` if the live cache is not the one that was asked for."""
    if asked is None:
        return
    wanted = _CLASSES[asked["type"]]
    if found != wanted:
        raise WorkerError(
            "cache-mismatch", f"cache {name_cache(asked)} was asked for, but the model was given {found or 'none'}."
        )
    layer = _LAYERS[asked["backend"]] if asked["type"] == "quantized" else None
    if layer is not None and set(layers or {}) != {layer}:
        raise WorkerError(
            "cache-mismatch", f"cache {name_cache(asked)} was asked for, but its layers are {', '.join(layers or {})}."
        )


def name_cache(asked: Cache) -> str:
    """Names a cache, as in ``static`` or ``quantized (quanto, 4 bits, groups of 64)``."""
    if asked["type"] != "quantized":
        return str(asked["type"])
    return f"quantized ({asked['backend']}, {asked['bits']} bits, groups of {asked['group']})"


def _unavailable(asked: Cache, why: str, next_step: str | None = None) -> WorkerError:
    return WorkerError("cache-unavailable", f"cache {name_cache(asked)}: {why.rstrip('.')}.", next_step=next_step)
