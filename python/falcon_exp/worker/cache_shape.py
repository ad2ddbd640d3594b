"""The size of a model's cache, from a forward pass on the meta device, where tensors have shapes but no numbers.

The model's own code makes the cache, so sliding windows, latent attention, states of recurrent layers and layers that
share a cache are counted as what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from falcon_exp.worker.proof.generate_facts import CACHE_OUTPUTS

#: Tokens in the pass. A prime, so that a dimension of this size is the one of the tokens.
_TOKENS = 13


def cache_shape_of(model: Any) -> dict[str, Any] | None:
    """``cacheShapeSchema`` of the wire format; None if the model's code makes no readable cache without numbers.

    ``model`` is a skeleton in one dtype, and cannot be used for anything else afterwards. Parts of its cache in another
    dtype are taken to keep that dtype whatever the model's dtype is.
    """
    model.eval()
    # Some models look for the padding token in the ids, which have no numbers here.
    for own in (model.config, model.config.get_text_config()):
        own.pad_token_id = None
    for module in model.modules():
        if module is not model:
            module.forward = _give_back_where_it_fails(module.forward)
    ids = torch.zeros(1, _TOKENS, dtype=torch.long, device="meta")
    try:
        with torch.inference_mode(), _AttentionByShape():
            output = model(input_ids=ids, use_cache=True)
    except Exception:
        return None
    cache = next((output[name] for name in CACHE_OUTPUTS if output.get(name) is not None), None)
    return None if cache is None else _describe(cache, model.dtype)


class _AttentionByShape(TorchFunctionMode):  # type: ignore[misc]
    """Gives attention's output its known shape at once: on the meta device, its many steps take most of the time."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func is torch.nn.functional.scaled_dot_product_attention and len(args) >= 3:
            query, _, value = args[:3]
            return query.new_empty(*query.shape[:-1], value.shape[-1])
        return func(*args, **named)


def _give_back_where_it_fails(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a module that needs numbers, as the choice of experts does, return its input: only the cache matters."""

    def careful(*given: Any, **named: Any) -> Any:
        try:
            return forward(*given, **named)
        except Exception:
            hidden = next((one for one in (*given, *named.values()) if isinstance(one, torch.Tensor)), None)
            if hidden is None:
                raise
            return hidden

    return careful


def _describe(cache: Any, model_dtype: torch.dtype) -> dict[str, Any] | None:
    growing, fixed_elements, fixed_bytes = 0, 0, 0
    windows: dict[int, int] = {}
    own = getattr(cache, "self_attention_cache", cache)
    for layer in getattr(own, "layers", [own]):
        tensors = list(list_tensors(layer))
        if not tensors and type(layer).__name__ != "DummyLayer":
            return None
        window = getattr(layer, "sliding_window", None)
        for name, tensor in tensors:
            tokens = _tokens_of(name, tensor)
            if tokens is None:
                if tensor.dtype == model_dtype:
                    fixed_elements += tensor.numel()
                else:
                    fixed_bytes += tensor.numel() * tensor.element_size()
            elif window is None:
                growing += tensor.numel() // tokens
            else:
                # The newest token's own keys are used but not kept.
                kept = int(window) - 1
                windows[kept] = windows.get(kept, 0) + tensor.numel() // tokens
    return {
        "elements_per_token": growing,
        "windows": [{"tokens": tokens, "elements_per_token": size} for tokens, size in sorted(windows.items())],
        "fixed_elements": fixed_elements,
        "fixed_bytes": fixed_bytes,
    }


def _tokens_of(name: str, tensor: torch.Tensor) -> int | None:
    """How many tokens a tensor holds data of; None if its size does not depend on them."""
    if name in ("keys", "values"):
        return int(tensor.shape[-2])
    return _TOKENS if _TOKENS in tensor.shape[1:] else None


def list_tensors(holder: Any, depth: int = 3) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields the tensors in attributes, lists and dictionaries, with their names."""
    items = (
        holder.items()
        if isinstance(holder, dict)
        else enumerate(holder)
        if isinstance(holder, (list, tuple))
        else vars(holder).items()
        if hasattr(holder, "__dict__")
        else ()
    )
    for name, value in items:
        if isinstance(value, torch.Tensor):
            if value.dim() > 0 and value.numel() > 0:
                yield str(name), value
        elif depth > 0 and isinstance(value, (dict, list, tuple)):
            yield from ((str(name), tensor) for _, tensor in list_tensors(value, depth - 1))
