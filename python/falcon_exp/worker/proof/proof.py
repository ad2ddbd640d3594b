"""The proof of what ran: read back from the live model, never from what was asked."""

from __future__ import annotations

from typing import Any

import torch

from falcon_exp.worker.proof.generate_facts import GenerateFacts
from falcon_exp.worker.proof.weights import bytes_by_dtype, count_parameters, read_per_token_bytes
from falcon_exp.worker.quantization.bitsandbytes import dtype_name

FOUR_BIT = "Linear4bit"
INT8 = "Linear8bitLt"


def linear_modules(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Every linear layer by name: nn.Linear, its subclasses (bitsandbytes' among them) and transformers' Conv1D."""
    from transformers.pytorch_utils import Conv1D

    return {name: module for name, module in model.named_modules() if isinstance(module, (torch.nn.Linear, Conv1D))}


def quantized_as(module: torch.nn.Module) -> str | None:
    """``fp4``, ``nf4`` or ``int8`` where the weight truly is; a layer that only has the class is not quantized."""
    if _is_a(module, FOUR_BIT):
        state = getattr(module.weight, "quant_state", None)
        return None if state is None else str(state.quant_type)
    if _is_a(module, INT8):
        state = getattr(module, "state", None)
        kept = module.weight.dtype == torch.int8 or (state is not None and state.CB is not None)
        return "int8" if kept else None
    return None


def _is_a(module: torch.nn.Module, class_name: str) -> bool:
    return any(cls.__name__ == class_name and cls.__module__.startswith("bitsandbytes") for cls in type(module).__mro__)


def _single(values: set[Any]) -> Any:
    """The value that all share; None where they differ or there is none."""
    return next(iter(values)) if len(values) == 1 else None


def quantization_effective(linears: dict[str, torch.nn.Module]) -> dict[str, Any]:
    """Method and parameters shared by the quantized layers; ``mixed`` where more than one type is found."""
    quantized = {name: kind for name, module in linears.items() if (kind := quantized_as(module)) is not None}
    kinds = set(quantized.values())
    effective: dict[str, Any] = {
        "method": "none",
        "type": None,
        "block_size": None,
        "double_quant": None,
        "compute_dtype": None,
        "int8_threshold": None,
    }
    if not kinds:
        return effective
    modules = [linears[name] for name in quantized]
    effective["type"] = _single(kinds)
    if kinds == {"int8"}:
        effective["method"] = "int8"
        effective["int8_threshold"] = _single({float(m.state.threshold) for m in modules})
    elif "int8" in kinds or len(kinds) > 1:
        effective["method"] = "mixed"
    else:
        states = [module.weight.quant_state for module in modules]
        effective["method"] = "4bit"
        effective["block_size"] = _single({int(state.blocksize) for state in states})
        effective["double_quant"] = _single({bool(state.nested) for state in states})
        computes = {getattr(module, "compute_dtype", None) for module in modules}
        compute = _single(computes)
        effective["compute_dtype"] = None if compute is None else dtype_name(compute)
    return effective


def _device_map(model: Any) -> dict[str, str]:
    mapping = getattr(model, "hf_device_map", None)
    if not mapping:
        return {"": str(model.device)}
    return {str(name): f"cuda:{device}" if isinstance(device, int) else str(device) for name, device in mapping.items()}


def _is_offloaded(device_map: dict[str, str]) -> bool:
    """Whether a part of the model lies where it is not computed: on disk, or in RAM beside a GPU."""
    places = set(device_map.values())
    accelerated = any(place.startswith(("cuda", "mps")) for place in places)
    return "disk" in places or "meta" in places or (accelerated and "cpu" in places)


def _skipped(model: Any, linears: dict[str, torch.nn.Module]) -> list[str]:
    """Linear layers that the library was told to leave alone, by the library's own rule."""
    from transformers.quantizers.quantizers_utils import should_convert_module

    quantizer = getattr(model, "hf_quantizer", None)
    names: list[str] = getattr(quantizer, "modules_to_not_convert", None) or []
    return [
        name
        for name, module in linears.items()
        if quantized_as(module) is None and not should_convert_module(name, names)
    ]


def read_proof(model: Any, *, has_chat_template: bool, workarounds: list[str], facts: GenerateFacts) -> dict[str, Any]:
    """The ``proof`` of the wire format."""
    linears = linear_modules(model)
    by_dtype = bytes_by_dtype(model)
    device_map = _device_map(model)
    classes: dict[str, int] = {}
    for module in linears.values():
        classes[type(module).__name__] = classes.get(type(module).__name__, 0) + 1
    return {
        "model_class": type(model).__name__,
        "parameters": count_parameters(model),
        "linear_layers": len(linears),
        "quantized_linear_layers": sum(1 for module in linears.values() if quantized_as(module) is not None),
        "skipped_linear_modules": _skipped(model, linears),
        "linear_classes": dict(sorted(classes.items())),
        "quantization_effective": quantization_effective(linears),
        "weights_bytes": sum(by_dtype.values()),
        "read_per_token_bytes": read_per_token_bytes(model),
        "memory_footprint_bytes": int(model.get_memory_footprint()),
        "bytes_by_dtype": by_dtype,
        "dtype": dtype_name(model.dtype),
        "device_map": device_map,
        "offloaded": _is_offloaded(device_map),
        "attn_implementation": str(getattr(model.config, "_attn_implementation", None) or "unknown"),
        "cache_implementation": facts.cache_implementation,
        "compiled": facts.compiled,
        "chat_template": has_chat_template,
        "workarounds_applied": workarounds,
    }
