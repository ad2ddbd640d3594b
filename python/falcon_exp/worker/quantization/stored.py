"""Files that are quantized already: loaded by the method that made them, or refused by its name.

The library would load them as they are, or unpack them, without a word of it in what it returns: a quantized model, or
one that lost what quantization costs, would stand there as `none`.
"""

from __future__ import annotations

from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.registry import find_method

CODE = "model-already-quantized"


def refuse_stored_quantization(config: Any, asked: dict[str, Any], narrow_dtypes: list[str]) -> None:
    """Raises WorkerError ``model-already-quantized`` where the files hold what was not asked for.

    ``narrow_dtypes``: those of the files' tensors that no model is stored in unless it was quantized.
    """
    stored = read_quantization_config(config)
    method = find_method(asked)
    name = method.name(asked)
    if stored is not None:
        if not method.takes_stored(stored):
            raise WorkerError(
                CODE,
                f"The model's files are quantized already, by {name_stored(stored)} (quantization_config in "
                f"config.json), and {name} was asked for.",
                next_step=_next_step(stored),
            )
    elif narrow_dtypes:
        raise WorkerError(
            CODE, f"The model's files hold weights in {', '.join(narrow_dtypes)}, and {name} was asked for."
        )


def read_quantization_config(config: Any) -> dict[str, Any] | None:
    """Of the config or of its text model's; None where there is none."""
    for one in (config, config.get_text_config(decoder=True)):
        found = getattr(one, "quantization_config", None)
        if found:
            mapping: dict[str, Any] = found if isinstance(found, dict) else found.to_dict()
            return {"quant_method": _guess_method(mapping), **mapping}
    return None


def name_stored(stored: dict[str, Any]) -> str:
    """``fp8``; of bitsandbytes how many bits as well."""
    method = getattr(stored["quant_method"], "value", stored["quant_method"])
    bits = "4-bit" if stored.get("load_in_4bit") else "8-bit" if stored.get("load_in_8bit") else None
    return str(method) if bits is None else f"{method} in {bits}"


def _guess_method(mapping: dict[str, Any]) -> str:
    """Older files of bitsandbytes name none."""
    return "bitsandbytes" if mapping.get("load_in_4bit") or mapping.get("load_in_8bit") else "an unnamed method"


def _next_step(stored: dict[str, Any]) -> str | None:
    if stored.get("load_in_4bit"):
        kind, nested = stored.get("bnb_4bit_quant_type", "fp4"), bool(stored.get("bnb_4bit_use_double_quant"))
        return f"Ask for what the files are: {{type: {kind}, double_quant: {str(nested).lower()}}}."
    return "Ask for what the files are: int8." if stored.get("load_in_8bit") else None
