"""The proof of what ran: read back from the live model, never taken from what was asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from falcon_exp.worker.adapter.read_back import read_adapter
from falcon_exp.worker.dtypes import dtype_name
from falcon_exp.worker.proof.census import Census, take_census
from falcon_exp.worker.proof.generate_facts import GenerateFacts
from falcon_exp.worker.proof.layers import Layer, quantization_effective, read_layers
from falcon_exp.worker.proof.linear_modules import linear_modules
from falcon_exp.worker.proof.weights import count_parameters, read_per_token_bytes


@dataclass(frozen=True)
class Proof:
    """What a live model is at one moment."""

    census: Census
    layers: list[Layer]
    #: ``proofSchema`` of the wire format.
    body: dict[str, Any]

    @property
    def skipped(self) -> set[str]:
        """Linear layers that were to stay unquantized."""
        return set(self.body["skipped_linear_modules"])


def _device_map(model: Any) -> dict[str, str]:
    mapping = getattr(model, "hf_device_map", None)
    if not mapping:
        return {"": str(model.device)}
    return {str(name): f"cuda:{device}" if isinstance(device, int) else str(device) for name, device in mapping.items()}


def _is_offloaded(device_map: dict[str, str]) -> bool:
    """Whether part of the model is stored where it is not computed: on disk, or in RAM beside a GPU."""
    places = set(device_map.values())
    accelerated = any(place.startswith(("cuda", "mps")) for place in places)
    return "disk" in places or "meta" in places or (accelerated and "cpu" in places)


def _skipped(model: Any, layers: list[Layer]) -> list[str]:
    """Linear layers that the library was told to leave alone, by the library's own rule."""
    from transformers.quantizers.quantizers_utils import should_convert_module

    quantizer = getattr(model, "hf_quantizer", None)
    names: list[str] = getattr(quantizer, "modules_to_not_convert", None) or []
    return [layer.name for layer in layers if layer.method is None and not should_convert_module(layer.name, names)]


def read_proof(
    model: Any,
    *,
    has_chat_template: bool,
    workarounds: list[str],
    facts: GenerateFacts,
    assistant: dict[str, Any] | None = None,
) -> Proof:
    """Reads the proof from the model as it is now; nothing is moved or computed."""
    census = take_census(model)
    layers = read_layers(linear_modules(model), census)
    device_map = _device_map(model)
    body = {
        "model_class": type(model).__name__,
        "parameters": count_parameters(model),
        "linear_layers": len(layers),
        "quantized_linear_layers": sum(layer.is_quantized for layer in layers),
        "skipped_linear_modules": _skipped(model, layers),
        "linear_classes": dict(sorted(Counter(layer.class_name for layer in layers).items())),
        "quantization_effective": quantization_effective(layers, census),
        "weights_bytes": census.weights_bytes,
        "matrix_weights_quantized_share": census.quantized_share(),
        "mean_bits_per_weight": census.mean_bits(),
        "census": census.to_wire(),
        "read_per_token_bytes": read_per_token_bytes(model, census.weights_bytes),
        "memory_footprint_bytes": int(model.get_memory_footprint()),
        "bytes_by_dtype": census.bytes_by_dtype,
        "dtype": dtype_name(model.dtype),
        "device_map": device_map,
        "offloaded": _is_offloaded(device_map),
        "attn_implementation": str(getattr(model.config, "_attn_implementation", None) or "unknown"),
        "cache_implementation": facts.cache_implementation,
        "cache_layers": facts.cache_layers,
        "cache_bytes": facts.cache_bytes,
        "compiled": facts.compiled,
        "compilations": facts.compilations,
        "compile_sec": facts.compile_sec,
        "chat_template": has_chat_template,
        "workarounds_applied": workarounds,
        "adapter": read_adapter(model),
        "assistant": assistant,
    }
    return Proof(census, layers, body)
