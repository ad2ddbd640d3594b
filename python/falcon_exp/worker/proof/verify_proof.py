"""Checks whether the proof of what ran is what was asked for. If not, the configuration fails, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from falcon_exp.worker.dtypes import torch_dtype
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.census import UNQUANTIZED_BITS
from falcon_exp.worker.proof.layers import UNKNOWN, Layer
from falcon_exp.worker.proof.proof import Proof
from falcon_exp.worker.quantization.method import Method
from falcon_exp.worker.quantization.registry import find_method
from falcon_exp.worker.quantization.skip_modules import matches, suggest_entries
from falcon_exp.worker.wire_types import Configuration

_MOST_NAMES = 5
AT_LOAD = "after the load"
RUNNING = "since the first forward pass"


def verify(proof: Proof, configuration: Configuration, *, dtype: str, when: str = AT_LOAD) -> None:
    """Raises WorkerError ``quantization-not-applied``, ``quantization-mismatch``, ``adapter-mismatch``,
    ``attention-mismatch``.

    ``dtype`` is the configuration's effective dtype (``auto`` resolved). To be called again once the model has run:
    libraries repack or unpack weights at the first forward pass.
    """
    asked = configuration["quantization"]
    method = find_method(asked)
    if method.is_certain and method.is_quantizing:
        _verify_layers(proof, method, asked, when)
        _verify_settings(proof, method, asked, dtype, when)
    elif method.is_certain:
        _verify_unquantized(proof, dtype, when)
    _verify_adapter(proof.body["adapter"], configuration["model"], when)
    attention = configuration["attention"]
    found = proof.body["attn_implementation"]
    if attention not in ("auto", found):
        raise WorkerError("attention-mismatch", f"attention {attention} was asked for, but the model runs {found}.")


def _verify_adapter(found: dict[str, Any] | None, model: Mapping[str, Any], when: str) -> None:
    """There must be an active adapter if one was asked for beside the weights, and otherwise none."""
    is_asked = model["source"] == "adapted" and not model["merged"]
    if is_asked and (found is None or not found["active"]):
        what = "is not on the model" if found is None else "is on the model but inactive"
        raise WorkerError("adapter-mismatch", f"The adapter {model['adapter']} {what} {when}.")
    if not is_asked and found is not None:
        raise WorkerError(
            "adapter-mismatch",
            f"No adapter was asked for beside the weights, but one is on {found['modules']} modules {when}.",
        )


def _verify_unquantized(proof: Proof, dtype: str, when: str) -> None:
    """Nothing may be stored in fewer than 16 bits, or in fewer than the dtype asked for has if that is less."""
    if proof.census.unknown:
        raise _mismatch(
            f"No quantization was asked for, but it is unknown what {list_names(proof.census.unknown)} holds {when}."
        )
    limit = min(UNQUANTIZED_BITS, 8 * torch_dtype(dtype).itemsize)
    found = [one for one in proof.census.matrices if one.bits is not None and one.bits < limit]
    if found:
        kind = proof.body["quantization_effective"]["type"] or found[0].dtype
        raise _mismatch(
            f"No quantization was asked for, but {len(found)} weight matrices are {kind} {when}: "
            f"{list_names([one.name for one in found])}."
        )


def _verify_layers(proof: Proof, method: Method[Any], asked: Mapping[str, Any], when: str) -> None:
    """Every linear layer must be quantized, except those to be skipped, which must not be."""
    name = method.name(asked)
    total, quantized = len(proof.layers), [layer for layer in proof.layers if layer.is_quantized]
    counts = f"{len(quantized)} of {total} linear layers"
    missing = [layer for layer in proof.layers if not layer.is_quantized and layer.name not in proof.skipped]
    unknown = [layer.name for layer in missing if layer.method == UNKNOWN]
    if unknown:
        raise _mismatch(f"{name} was asked for, but it is unknown what {list_names(unknown)} holds {when}.")
    if not quantized:
        classes = ", ".join(f"{count} {cls}" for cls, count in proof.body["linear_classes"].items()) or "none"
        raise WorkerError(
            "quantization-not-applied",
            f"{name} was asked for, but {counts} of {proof.body['model_class']} are quantized {when} "
            f"(linear layers: {classes}).",
        )
    if missing:
        names = [layer.name for layer in missing]
        raise _mismatch(
            f"{name} was asked for, but only {counts} are quantized {when}; not: {list_names(names)}.",
            next_step=_skip_them(names, [layer.name for layer in quantized], asked),
        )
    kept = [
        layer.name for layer in quantized if any(matches(one, layer.name) for one in asked.get("skip_modules") or [])
    ]
    if kept:
        raise _mismatch(f"skip_modules was to leave {list_names(kept)} unquantized, but {name} was applied.")


def _verify_settings(proof: Proof, method: Method[Any], asked: Mapping[str, Any], dtype: str, when: str) -> None:
    """Every quantized layer must have the settings asked for, except those that the running kernel decides."""
    name = method.name(asked)
    for key, want in {"method": method.key, **method.wanted(asked, dtype)}.items():
        wrong = [layer for layer in proof.layers if layer.is_quantized and _differs(layer, key, want)]
        if wrong:
            found = ", ".join(sorted({str(_read(layer, key)) for layer in wrong}))
            names = list_names([layer.name for layer in wrong])
            raise _mismatch(
                f"{name} was asked for with {key} {want}, but the layers have {found} {when}: {names}.",
                next_step="If the model's files were quantized that way, ask for what they contain: "
                f"{key}: {found.lower()}.",
            )


def _differs(layer: Layer, key: str, want: Any) -> bool:
    return key not in layer.decided_by_kernel and bool(_read(layer, key) != want)


def _read(layer: Layer, key: str) -> Any:
    return {"method": layer.method, "type": layer.type, **layer.settings}.get(key)


def _skip_them(names: list[str], quantized: list[str], asked: Mapping[str, Any]) -> str:
    """Returns a line to paste, with the shortest names that leave out these layers and no others."""
    entries = [*(asked.get("skip_modules") or []), *suggest_entries(names, quantized)]
    return f"If these layers are to stay unquantized: skip_modules: [{', '.join(entries)}]"


def list_names(names: Sequence[str]) -> str:
    """Lists at most five names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _mismatch(message: str, next_step: str | None = None) -> WorkerError:
    return WorkerError("quantization-mismatch", message, next_step=next_step)
