"""Files that are already quantized: loaded by the method that made them or as stored, or refused with its name.

The library would load them as they are, or unpack them, without saying so in what it returns: a quantized model, or one
that has already lost quality to quantization, would be taken for `none`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.model_config import config_from_mapping
from falcon_exp.worker.quantization.as_stored import AsStored
from falcon_exp.worker.quantization.import_torchao import import_torchao
from falcon_exp.worker.quantization.method import require_library
from falcon_exp.worker.quantization.registry import find_method
from falcon_exp.worker.requirements import EXTRAS
from falcon_exp.worker.wire_types import ErrorCode

CODE: ErrorCode = "model-already-quantized"
_NEEDS_GPU = re.compile(r"requires an? (\*\*)?\w* ?GPU|GPU is required|only supported on GPU|No GPU")
#: What a checkpoint and the model that it was made from must have in common.
_SAME_OF_A_MODEL = ("model_type", "vocab_size", "hidden_size", "num_hidden_layers")


def refuse_stored_quantization(config: Any, asked: Mapping[str, Any], narrow_dtypes: list[str]) -> None:
    """Raises WorkerError ``model-already-quantized`` if the files hold a quantization that was not asked for.

    Also raises ``model-not-quantized`` if ``as-stored`` was asked for but nothing is quantized. ``narrow_dtypes``:
    those dtypes of the files' tensors that only quantized models are stored in.
    """
    stored = read_quantization_config(config)
    method = find_method(asked)
    name = method.name(asked)
    if stored is None and method.key == AsStored.key:
        raise WorkerError(
            "model-not-quantized", "as-stored was asked for, and the files' config.json has no quantization_config."
        )
    if stored is not None:
        if not method.takes_stored(stored):
            raise WorkerError(
                CODE,
                f"The model's files are already quantized, by {name_stored(stored)} (quantization_config in "
                f"config.json), and {name} was asked for.",
                next_step=_next_step(stored),
            )
    elif narrow_dtypes:
        raise WorkerError(
            CODE, f"The model's files hold weights in {', '.join(narrow_dtypes)}, and {name} was asked for."
        )


def read_quantization_config(config: Any) -> dict[str, Any] | None:
    """Reads it from the config, or from that of its text model; None if there is none."""
    for one in (config, config.get_text_config(decoder=True)):
        found = getattr(one, "quantization_config", None)
        if found:
            mapping: dict[str, Any] = found if isinstance(found, dict) else found.to_dict()
            return {"quant_method": _guess_method(mapping), **mapping}
    return None


def name_stored(stored: dict[str, Any]) -> str:
    """Describes it: ``gptq, 4 bits, groups of 128``, or for bitsandbytes ``bitsandbytes in 4-bit``."""
    method = str(getattr(stored["quant_method"], "value", stored["quant_method"]))
    if stored.get("load_in_4bit") or stored.get("load_in_8bit"):
        return f"{method} in {'4-bit' if stored.get('load_in_4bit') else '8-bit'}"
    return ", ".join([method, *_describe_weights(stored)])


def _describe_weights(stored: dict[str, Any]) -> list[str]:
    """Describes weights as far as the usual keys tell: those of GPTQ, AWQ, compressed-tensors, FP8, quanto, torchao."""
    for scheme in (stored.get("config_groups") or {}).values():
        weights = scheme.get("weights") if isinstance(scheme, dict) else None
        if weights:
            return _describe_scheme(weights.get("num_bits"), weights.get("type"), weights.get("group_size"))
    blocks, quanto, torchao = (stored.get(key) for key in ("weight_block_size", "weights", "quant_type"))
    if blocks:
        return [f"blocks of {' × '.join(str(size) for size in blocks)}"]
    if isinstance(quanto, str):
        return [quanto]
    if isinstance(torchao, dict) and isinstance(torchao.get("default"), dict):
        return [str(torchao["default"].get("_type", "unnamed type"))]
    return _describe_scheme(stored.get("bits") or stored.get("w_bit"), None, stored.get("group_size"))


def _describe_scheme(bits: Any, kind: Any, group: Any) -> list[str]:
    floats = " as floats" if getattr(kind, "value", kind) == "float" else ""
    told = [] if bits is None else [f"{bits} bits{floats}"]
    return [*told, *([f"groups of {group}"] if isinstance(group, int) and group > 0 else [])]


def refuse_unreadable(config: Any, device_map: Any) -> None:
    """Checks before anything is loaded, by the library's own rule, whether these files can be read here.

    Raises WorkerError ``quantization-library-missing``, ``quantization-needs-gpu`` or ``quantization-unsupported``.
    """
    stored = read_quantization_config(config)
    if stored is None:
        return
    from transformers import __version__
    from transformers.quantizers.auto import AutoHfQuantizer

    name = name_stored(stored)
    method = str(getattr(stored["quant_method"], "value", stored["quant_method"]))
    if method in EXTRAS:
        require_library(method, f"A checkpoint of {name}")
    if method == "torchao":
        import_torchao()
    if not AutoHfQuantizer.supports_quant_method(stored):
        raise WorkerError(
            "quantization-unsupported", f"Transformers {__version__} does not support the quantization {name}."
        )
    try:
        merged = AutoHfQuantizer.merge_quantization_configs(copy.deepcopy(stored), None)
        quantizer = AutoHfQuantizer.from_config(merged, pre_quantized=True)
        quantizer.validate_environment(device_map=device_map, weights_only=True)
    except Exception as error:
        message = f"The files are stored as {name}: {str(error) or type(error).__name__}"
        if _NEEDS_GPU.search(str(error)):
            raise WorkerError("quantization-needs-gpu", message) from error
        if not isinstance(error, ImportError):
            raise WorkerError("quantization-unsupported", message) from error
        raise WorkerError(
            "quantization-library-missing",
            message,
            next_step="The managed environment cannot have it: name one that holds this library by --python.",
        ) from error


def refuse_other_model(config: Any, model: Mapping[str, Any]) -> None:
    """Raises WorkerError ``checkpoint-of-another-model``; skips hub models, whose files may not be on this machine."""
    base = _config_of(model)
    if base is None:
        return
    ours, theirs = (one.get_text_config(decoder=True) for one in (config, base))
    for key in _SAME_OF_A_MODEL:
        found, wanted = getattr(ours, key, None), getattr(theirs, key, None)
        if found != wanted:
            raise WorkerError(
                "checkpoint-of-another-model", f"The checkpoint has {key} {found}, and the model has {wanted}."
            )


def _config_of(model: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    if model["source"] == "random":
        return config_from_mapping(model["config"], model.get("floats", ()))
    path = model.get("path")
    is_here = path is not None and (Path(path) / "config.json").is_file()
    return AutoConfig.from_pretrained(path) if is_here else None


def _guess_method(mapping: dict[str, Any]) -> str:
    """Returns the method of files that name none, as older ones of bitsandbytes do."""
    return "bitsandbytes" if mapping.get("load_in_4bit") or mapping.get("load_in_8bit") else "an unnamed method"


def _next_step(stored: dict[str, Any]) -> str | None:
    if stored.get("load_in_4bit"):
        kind, nested = stored.get("bnb_4bit_quant_type", "fp4"), bool(stored.get("bnb_4bit_use_double_quant"))
        return f"Ask for what the files are: {{type: {kind}, double_quant: {str(nested).lower()}}}."
    return "Ask for what the files are: int8." if stored.get("load_in_8bit") else None
