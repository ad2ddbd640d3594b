"""What a model's cache takes, from a forward pass without numbers: on the meta device tensors have shapes alone.

The cache is the one that the model's own code makes, so sliding windows, latent attention, states of recurrent layers
and layers that share a cache count as what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from falcon_exp.worker.proof.generate_facts import CACHE_OUTPUTS

#: Tokens of the pass. A prime, so that a dimension of this size is that of the tokens.
_TOKENS = 13


def cache_shape_of(model: Any) -> dict[str, Any] | None:
    """``cacheShapeSchema`` of the wire format; None where the model's code does not tell without numbers.

    ``model``: a skeleton in one dtype; no other use can be made of it afterwards. What its cache holds in another dtype
    does not follow the model's.
    """
    model.eval()
    # Some models look for it in the ids, which have no numbers here.
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
    """Without numbers attention is taken apart into dozens of steps, most of the pass's time; its shape is known."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func is torch.nn.functional.scaled_dot_product_attention and len(args) >= 3:
            query, _, value = args[:3]
            return query.new_empty(*query.shape[:-1], value.shape[-1])
        return func(*args, **named)


def _give_back_where_it_fails(forward: Callable[..., Any]) -> Callable[..., Any]:
    """What needs numbers (the choice of experts does) gives its input back: only the cache is asked for."""

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
                # The newest token's own keys are used and not kept.
                kept = int(window) - 1
                windows[kept] = windows.get(kept, 0) + tensor.numel() // tokens
    return {
        "elements_per_token": growing,
        "windows": [{"tokens": tokens, "elements_per_token": size} for tokens, size in sorted(windows.items())],
        "fixed_elements": fixed_elements,
        "fixed_bytes": fixed_bytes,
    }


def _tokens_of(name: str, tensor: torch.Tensor) -> int | None:
    """How many tokens a tensor holds something of; None where its size is always the same."""
    if name in ("keys", "values"):
        return int(tensor.shape[-2])
    return _TOKENS if _TOKENS in tensor.shape[1:] else None


def list_tensors(holder: Any, depth: int = 3) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors with their names, in attributes, lists and dictionaries."""
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
