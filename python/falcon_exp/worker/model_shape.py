"""The shape of a model from its config alone, on the meta device: what an estimate of its memory is made from.

No weights are read or made: a model of 40 billion parameters takes a fraction of a second.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.hub.wanted import local_weight_files
from falcon_exp.worker.model_config import config_from_mapping
from falcon_exp.worker.quantization.bitsandbytes import dtype_name, torch_dtype
from falcon_exp.worker.stored_dtype import stored_dtype


def config_of(model: dict[str, Any], trust_remote_code: bool) -> tuple[Any, str | None]:
    """(the model's config, the hub repository it comes from or None). Raises WorkerError ``model-not-found``."""
    from transformers import AutoConfig

    source = model["source"]
    if source == "random":
        return config_from_mapping(model["config"]), None
    if source == "hub":
        revision = model["revision"] or "main"
        config = AutoConfig.from_pretrained(model["repo"], revision=revision, trust_remote_code=trust_remote_code)
        return config, str(model["repo"])
    path = model["path"]
    if path is None or not (Path(path) / "config.json").is_file():
        raise WorkerError("model-not-found", f"{path or model.get('name')} holds no config.json.")
    config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
    if getattr(config, "dtype", None) is None:
        found = stored_dtype([file for file in local_weight_files(Path(path)) if file.is_file()])
        config.dtype = None if found is None else torch_dtype(found)
    return config, None


def shape_of(config: Any, *, trust_remote_code: bool = False) -> dict[str, Any]:
    """``modelShapeSchema``: counts of parameters by kind, and what a token's keys and values take."""
    from accelerate import init_empty_weights
    from transformers import AutoModelForCausalLM
    from transformers.quantizers.base import get_keys_to_not_convert
    from transformers.quantizers.quantizers_utils import should_convert_module

    from falcon_exp.worker.proof.proof import linear_modules

    with init_empty_weights():
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)
    model.tie_weights()
    kept = get_keys_to_not_convert(model)
    linears = linear_modules(model)
    quantizable = {name for name in linears if should_convert_module(name, kept)}
    layers = Counter(
        (int(module.weight.shape[1]), int(module.weight.shape[0]))
        for name, module in linears.items()
        if name in quantizable
    )
    in_quantizable = {id(linears[name].weight) for name in quantizable}
    # Tied weights are one parameter here, as they are one storage when loaded.
    parameters = {id(parameter): parameter for parameter in model.parameters()}
    other = sum(int(one.numel()) for key, one in parameters.items() if key not in in_quantizable)
    text = config.get_text_config()
    stored = getattr(config, "dtype", None)
    return {
        "model_type": str(config.model_type),
        "dtype": dtype_name(stored) if isinstance(stored, torch.dtype) else str(stored or "float32"),
        "parameters": sum(int(one.numel()) for one in parameters.values()),
        "quantizable_layers": [
            {"in_features": columns, "out_features": rows, "count": count}
            for (columns, rows), count in sorted(layers.items())
        ],
        "other_parameters": other,
        "buffer_bytes": sum(int(one.numel()) * one.element_size() for one in model.buffers()),
        "kv_elements_per_token": _kv_elements(text),
        "layers": int(text.num_hidden_layers),
        "hidden_size": int(text.hidden_size),
        "intermediate_size": int(getattr(text, "intermediate_size", None) or _widest(linears, text)),
        "vocabulary": int(text.vocab_size),
        "context_tokens": getattr(text, "max_position_embeddings", None),
    }


def _kv_elements(text: Any) -> int:
    """Keys and values of one token in all layers, as transformers keeps them.

    Falcon's new decoder architecture has few key heads, but transformers' code copies them to every query head before
    they are cached (modeling_falcon.py, _split_heads), so the cache is as large as with one for each.
    """
    heads = int(text.num_attention_heads)
    head_dim = int(getattr(text, "head_dim", None) or text.hidden_size // heads)
    shared = getattr(text, "num_key_value_heads", None) or getattr(text, "num_kv_heads", None)
    if text.model_type == "falcon":
        shared = 1 if text.multi_query and not text.new_decoder_architecture else heads
    return 2 * int(text.num_hidden_layers) * int(shared or heads) * head_dim


def _widest(linears: dict[str, torch.nn.Module], text: Any) -> int:
    """Where the config does not name it: the widest linear layer but the output head."""
    sizes = [
        int(size) for module in linears.values() for size in module.weight.shape if int(size) != int(text.vocab_size)
    ]
    return max(sizes, default=4 * int(text.hidden_size))
