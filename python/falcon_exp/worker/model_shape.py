"""The shape of a model from its config alone, on the meta device: the basis for estimating its memory.

No weights are read or made: a model of 40 billion parameters takes a fraction of a second.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.adapter.folder import open_adapter
from falcon_exp.worker.cache_shape import cache_shape_of
from falcon_exp.worker.dtypes import dtype_name, torch_dtype
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.gguf_file import config_of_gguf, find_gguf, weights_by_type
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION, find_cached
from falcon_exp.worker.hub.wanted import ADAPTER_WEIGHTS, local_weight_files
from falcon_exp.worker.model_config import config_from_mapping
from falcon_exp.worker.proof.census import take_census
from falcon_exp.worker.proof.linear_modules import linear_modules
from falcon_exp.worker.quantization.stored import name_stored, read_quantization_config
from falcon_exp.worker.skeleton import build_skeleton, sizes_of
from falcon_exp.worker.stored_dtype import stored_dtype
from falcon_exp.worker.workarounds.weight_readers import find_weight_readers

#: Stands for the model's dtype: buffers in any other dtype keep it whatever the model's is.
_MODEL_DTYPE = torch.bfloat16
_NOT_OF_THE_SKELETON = frozenset({"quantization_config", "_name_or_path", "_pre_quantization_dtype"})


def config_of(model: dict[str, Any], trust_remote_code: bool) -> tuple[Any, str | None]:
    """(the model's config, the hub repository it comes from or None). Raises WorkerError ``model-not-found``."""
    from transformers import AutoConfig

    source = model["source"]
    if source == "adapted":
        return config_of(model["base"], trust_remote_code)
    if source == "random":
        return config_from_mapping(model["config"], model.get("floats", ())), None
    if source == "hub":
        revision = model["revision"] or "main"
        config = AutoConfig.from_pretrained(model["repo"], revision=revision, trust_remote_code=trust_remote_code)
        return config, str(model["repo"])
    path = model["path"]
    gguf = None if path is None else find_gguf(Path(path))
    if gguf is not None:
        return config_of_gguf(gguf), None
    if path is None or not (Path(path) / "config.json").is_file():
        raise WorkerError("model-not-found", f"{path or model.get('name')} has no config.json.")
    config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
    if getattr(config, "dtype", None) is None:
        found = stored_dtype([file for file in local_weight_files(Path(path)) if file.is_file()])
        config.dtype = None if found is None else torch_dtype(found)
    return config, None


def gguf_types_of(model: dict[str, Any]) -> list[str] | None:
    """The types of the weights in a GGUF file, the most frequent first; None if the model is not a GGUF file."""
    own = model.get("base", model)
    path = own["path"] if own["source"] == "path" else None
    file = None if path is None else find_gguf(Path(path))
    if file is None:
        return None
    weights = weights_by_type(file)
    return sorted(weights, key=lambda name: -weights[name])


def adapter_elements_of(model: dict[str, Any]) -> int:
    """How many numbers the adapter that a load puts on the model holds; 0 for a merged one, which adds nothing."""
    if model["source"] != "adapted" or model["merged"]:
        return 0
    place = model["adapter"]
    if isinstance(place, str):
        return open_adapter(Path(place)).count_elements()
    revision = place["revision"] or DEFAULT_REVISION
    cached = find_cached(place["repo"], revision, is_adapter=True)
    if cached is not None:
        return open_adapter(cached.folder).count_elements()
    from huggingface_hub import HfApi

    # Needs only the header, which the hub serves separately.
    told = HfApi().parse_safetensors_file_metadata(place["repo"], ADAPTER_WEIGHTS, revision=revision)
    return sum(int(count) for count in told.parameter_count.values())


def shape_of(
    config: Any,
    *,
    trust_remote_code: bool = False,
    left_out: Iterable[str] = (),
    adapter_elements: int = 0,
    remembered: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """``modelShapeSchema``: counts of parameters by kind, and the size of the cache.

    ``left_out``: names of modules that stay unquantized besides those that the library leaves. ``adapter_elements``:
    how many numbers the adapter on the model holds, which stays unquantized. ``remembered``: by model, what does not
    depend on its quantization; new findings are added to it.
    """
    from transformers.quantizers.base import get_keys_to_not_convert
    from transformers.quantizers.quantizers_utils import should_convert_module

    model = build_skeleton(config, trust_remote_code=trust_remote_code)
    left_by_library = get_keys_to_not_convert(model)
    model.tie_weights()
    linears = linear_modules(model)
    readers = find_weight_readers(model, linears, config, None)
    kept = [*left_by_library, *readers, *left_out]
    quantizable = {name for name in linears if should_convert_module(name, kept)}
    layers = Counter(sizes_of(module) for name, module in linears.items() if name in quantizable)
    in_quantizable = {id(linears[name].weight) for name in quantizable}
    # Tied weights count as one parameter, just as they are one storage when loaded.
    parameters = {id(parameter): parameter for parameter in model.parameters()}
    other = sum(int(one.numel()) for key, one in parameters.items() if key not in in_quantizable)
    buffers_and_cache = _recall_buffers_and_cache(config, trust_remote_code, remembered)
    cache = buffers_and_cache["cache"]
    text = config.get_text_config()
    stored_quantization = read_quantization_config(config)
    stored = getattr(config, "dtype", None)
    return {
        "model_type": str(config.model_type),
        "dtype": dtype_name(stored) if isinstance(stored, torch.dtype) else str(stored or "float32"),
        "parameters": sum(int(one.numel()) for one in parameters.values()) + adapter_elements,
        "quantizable_layers": [
            {"in_features": columns, "out_features": rows, "count": count}
            for (columns, rows), count in sorted(layers.items())
        ],
        "matrix_kinds": _matrix_kinds(model, {linears[name] for name in quantizable}),
        "stored_quantization": None if stored_quantization is None else name_stored(stored_quantization),
        "expanded_from": None,
        "other_parameters": other + adapter_elements + buffers_and_cache["following_elements"],
        "buffer_bytes": buffers_and_cache["buffer_bytes"],
        "kv_elements_per_token": _usual_elements(text) if cache is None else _elements_per_token(cache),
        "cache": cache,
        "layers": int(text.num_hidden_layers),
        "hidden_size": int(text.hidden_size),
        "intermediate_size": _intermediate_size(text) or _widest(linears, text),
        "vocabulary": int(text.vocab_size),
        "context_tokens": getattr(text, "max_position_embeddings", None),
    }


def _recall_buffers_and_cache(
    config: Any, trust_remote_code: bool, remembered: dict[str, Any] | None
) -> dict[str, Any]:
    # The name that results are remembered by does not cover code that comes with a model.
    if remembered is None or trust_remote_code:
        return _find_buffers_and_cache(config, trust_remote_code)
    key = _name_model(config)
    if key not in remembered:
        remembered[key] = _find_buffers_and_cache(config, trust_remote_code)
    found: dict[str, Any] = remembered[key]
    return found


def _find_buffers_and_cache(config: Any, trust_remote_code: bool) -> dict[str, Any]:
    """``{cache, following_elements, buffer_bytes}``: elements of buffers in the model's dtype, bytes of the others."""
    # Built in the model's dtype, which some buffers take on.
    model = build_skeleton(config, trust_remote_code=trust_remote_code, dtype=_MODEL_DTYPE)
    buffers = _buffers_as_loaded(model)
    return {
        "following_elements": sum(int(one.numel()) for one in buffers if _follows(one)),
        "buffer_bytes": sum(int(one.numel()) * one.element_size() for one in buffers if not _follows(one)),
        "cache": cache_shape_of(model),
    }


def _name_model(config: Any) -> str:
    """A name that all loads of one model share: it leaves out its quantization and its place on the disk."""
    said = {key: value for key, value in config.to_dict().items() if key not in _NOT_OF_THE_SKELETON}
    attention = getattr(config, "_attn_implementation", None)
    text = json.dumps([type(config).__qualname__, attention, said], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _matrix_kinds(model: torch.nn.Module, quantizable: set[torch.nn.Module]) -> list[dict[str, Any]]:
    """Counts weights in matrices by kind of module, and those of them in layers that quantization would replace."""
    census = take_census(model)
    reached = {
        id(matrix)
        for name, module in model.named_modules()
        if module in quantizable
        for matrix in census.by_module.get(name, [])
    }
    totals: dict[str, list[int]] = {}
    for matrix in census.matrices:
        total = totals.setdefault(matrix.kind, [0, 0])
        total[0] += matrix.elements or 0
        total[1] += (matrix.elements or 0) if id(matrix) in reached else 0
    return [
        {"kind": kind, "matrix_weights": weights, "quantizable_weights": reachable}
        for kind, (weights, reachable) in totals.items()
    ]


def _buffers_as_loaded(model: Any) -> list[torch.Tensor]:
    """The buffers; the loader keeps some in float32 whatever the model's dtype, such as DeepSeek-V3's router bias."""
    strict = getattr(model, "_keep_in_fp32_modules_strict", None) or ()
    return [
        buffer.float() if any(part in strict for part in name.split(".")) else buffer
        for name, buffer in model.named_buffers()
    ]


def _follows(buffer: torch.Tensor) -> bool:
    """Whether a buffer takes on the model's dtype, whichever that is, as Gemma's embedding scale does."""
    return bool(buffer.dtype == _MODEL_DTYPE)


def _elements_per_token(cache: dict[str, Any]) -> int:
    """Elements of the cache per token as long as no window is full."""
    windows = sum(int(window["elements_per_token"]) for window in cache["windows"])
    return int(cache["elements_per_token"]) + windows


def _usual_elements(text: Any) -> int:
    """Elements per token with the usual attention in every layer: for the few models whose code needs numbers."""
    heads = getattr(text, "num_attention_heads", None)
    if not heads:
        return 0
    head_dim = int(getattr(text, "head_dim", None) or text.hidden_size // heads)
    return 2 * int(text.num_hidden_layers) * int(getattr(text, "num_key_value_heads", None) or heads) * head_dim


def _intermediate_size(text: Any) -> int | None:
    """The config's intermediate size, the largest if it has one per layer; None if it has none."""
    size = getattr(text, "intermediate_size", None)
    if isinstance(size, (list, tuple)):
        return max((int(one) for one in size), default=None)
    return None if size is None else int(size)


def _widest(linears: dict[str, torch.nn.Module], text: Any) -> int:
    """The width of the widest linear layer except the output head, for configs without an intermediate size."""
    sizes = [
        int(size) for module in linears.values() for size in module.weight.shape if int(size) != int(text.vocab_size)
    ]
    return max(sizes, default=4 * int(text.hidden_size))
