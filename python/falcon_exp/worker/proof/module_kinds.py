"""The kinds of modules, by the names that the census gives its readers."""

from __future__ import annotations

import re
from typing import Any

import torch

from falcon_exp.worker.adapter.names import is_adapted, is_of_adapter, plain_name

EMBEDDINGS, HEAD, NORMS, EXPERTS, ROUTER, ATTENTION, MLP, OTHER, ADAPTER = KINDS = (
    "embeddings",
    "head",
    "norms",
    "experts",
    "router",
    "attention",
    "mlp",
    "other",
    "adapter",
)
#: Lookup tables, the head that turns the last state into tokens, and what an adapter adds: by convention, no part of
#: what is quantized.
OUTSIDE = frozenset({EMBEDDINGS, HEAD, ADAPTER})

_EXPERTS = re.compile(r"(^|\.)experts?(\.|$)")
_ROUTER = re.compile(r"(^|\.)(router|gate|gating)(\.|$)")
_ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
_MLP = re.compile(
    r"(^|\.)(mlp|ffn?|feed_?forward\w*|fc\d?|fc_in|fc_out|shared_experts?|dense_\w+)(\.|$)", re.IGNORECASE
)


def module_kinds(model: Any) -> dict[str, str]:
    """Returns name → kind for every module."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    modules = dict(model.named_modules())
    # Only beside experts is a "gate" a router; elsewhere it is half of an MLP.
    mixtures = {name.rpartition(".")[0] for name in modules if name.endswith("experts") and "shared" not in name}
    if not is_adapted(model):
        return {name: _kind(name, module, mixtures, is_head=module is head) for name, module in modules.items()}
    heads = {name for name, module in modules.items() if module is head}
    return {
        name: ADAPTER
        if is_of_adapter(name)
        else _kind(plain_name(name), module, mixtures, is_head=plain_name(name) in heads)
        for name, module in modules.items()
    }


def _kind(name: str, module: torch.nn.Module, mixtures: set[str], *, is_head: bool) -> str:
    class_name = type(module).__name__
    if is_head:
        return HEAD
    if isinstance(module, torch.nn.Embedding):
        return EMBEDDINGS
    if "norm" in class_name.lower():
        return NORMS
    if _EXPERTS.search(name) or class_name.endswith("Experts"):
        return EXPERTS
    if "router" in class_name.lower() or (_ROUTER.search(name) and any(name.startswith(f"{one}.") for one in mixtures)):
        return ROUTER
    if _ATTENTION.search(name):
        return ATTENTION
    return MLP if _MLP.search(name) else OTHER
