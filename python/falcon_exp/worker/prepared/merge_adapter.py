"""Merges a LoRA adapter into the weights of its base, as people do before they serve or quantize a model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.adapter.folder import open_adapter
from falcon_exp.worker.dtypes import torch_dtype
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.hub.wanted import ADAPTER_CONFIG, local_weight_files, small_files
from falcon_exp.worker.model_class import auto_class_of
from falcon_exp.worker.stored_dtype import stored_dtype

_INDEX = ".safetensors.index.json"


def merge(
    base: Path, adapter: Path, out: Path, step: Callable[[str], None], *, trust_remote_code: bool
) -> dict[str, Any]:
    """Writes the merged model, in the dtype of the base's files, and returns what was merged.

    Products are computed in float32 and rounded once. Raises WorkerError ``adapter-invalid``.
    """
    from peft import PeftConfig, PeftModel
    from transformers import AutoConfig

    step("merging the adapter: loading the base")
    config = AutoConfig.from_pretrained(base, trust_remote_code=trust_remote_code)
    dtype = torch_dtype(stored_dtype(local_weight_files(base)) or "float32")
    model = auto_class_of(config).from_pretrained(
        base, config=config, dtype=dtype, use_safetensors=True, trust_remote_code=trust_remote_code
    )
    dtypes = {name: parameter.dtype for name, parameter in model.named_parameters()}
    step("merging the adapter: into the weights")
    settings = PeftConfig.from_pretrained(str(adapter))
    settings.inference_mode = True
    try:
        adapted = PeftModel(model, settings)
        found = adapted.load_adapter(str(adapter), "default", torch_device="cpu")
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        raise WorkerError("adapter-invalid", f"{adapter} does not fit this model: {error}") from error
    wrong = [*found.missing_keys, *found.unexpected_keys]
    if wrong:
        raise WorkerError("adapter-invalid", f"{adapter} does not fit this model: {', '.join(sorted(wrong)[:3])}")
    layers, changed = _merge_layers(adapted)
    merged = adapted.merge_and_unload()
    for name, parameter in merged.named_parameters():
        # peft keeps modules that were trained as a whole in float32.
        parameter.data = parameter.data.to(dtypes[name])
    step("merging the adapter: writing the merged model")
    _copy_small_files(base, adapter, out, with_code=trust_remote_code)
    merged.save_pretrained(out)
    return {"kind": "merged-adapter", "type": "LORA", "modules": layers, "changed_modules": changed}


def _merge_layers(adapted: torch.nn.Module) -> tuple[int, int]:
    """(Number of layers with an adapter, number of those whose weights changed when it was merged.)

    An addition smaller than the dtype's steps changes nothing.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers: list[Any] = [module for module in adapted.modules() if isinstance(module, BaseTunerLayer)]
    changed = 0
    for layer in layers:
        before = [parameter.detach().clone() for parameter in layer.get_base_layer().parameters()]
        # Not by peft's "safe" way, which rounds what it adds before adding it.
        layer.merge()
        after = list(layer.get_base_layer().parameters())
        if not all(torch.isfinite(parameter).all() for parameter in after):
            raise WorkerError("adapter-invalid", "The merged weights are not finite.")
        changed += any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))
    return len(layers), changed


def _copy_small_files(base: Path, adapter: Path, out: Path, *, with_code: bool) -> None:
    """Copies tokenizer, templates and code; the adapter's own tokenizer takes precedence over the base's."""
    folders = [base, adapter] if open_adapter(adapter).has_tokenizer() else [base]
    for folder in folders:
        names = [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]
        for name in small_files(names, with_code=with_code):
            if name != ADAPTER_CONFIG and not name.endswith(_INDEX):
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, out / name)
