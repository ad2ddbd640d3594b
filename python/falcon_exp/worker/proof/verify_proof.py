"""Whether the proof of what ran is what was asked for. Where it is not, the configuration fails, and says why."""

from __future__ import annotations

from typing import Any

from falcon_exp.worker.failures import WorkerError


def verify(proof: dict[str, Any], configuration: dict[str, Any], *, dtype: str) -> None:
    """Raises WorkerError ``quantization-not-applied``, ``quantization-mismatch`` or ``attention-mismatch``.

    ``dtype`` is the effective one of the configuration (``auto`` resolved).
    """
    _verify_quantization(proof, configuration["quantization"], dtype)
    asked = configuration["attention"]
    found = proof["attn_implementation"]
    if asked not in ("auto", found):
        raise WorkerError("attention-mismatch", f"attention {asked} was asked for, but the model runs {found}.")


def verify_still_quantized(at_load: dict[str, Any], running: dict[str, Any]) -> None:
    """That the first forward pass left quantized what was quantized: libraries repack or unpack weights then.

    Raises WorkerError ``quantization-mismatch``. Another packing of the same type is no failure: the record holds both
    proofs, and the report tells what changed.
    """
    before, after = at_load["quantized_linear_layers"], running["quantized_linear_layers"]
    if after < before:
        raise _mismatch(
            f"{before} linear layers were quantized after the load, but only {after} since the first forward pass."
        )
    for key in ("method", "type"):
        was, now = at_load["quantization_effective"][key], running["quantization_effective"][key]
        if was != now:
            raise _mismatch(f"The layers were {was} after the load, but are {now} since the first forward pass.")


def _verify_quantization(proof: dict[str, Any], asked: dict[str, Any], dtype: str) -> None:
    effective = proof["quantization_effective"]
    quantized = proof["quantized_linear_layers"]
    if asked["method"] == "none":
        if quantized > 0:
            raise _mismatch(f"no quantization was asked for, but {quantized} linear layers are {effective['type']}.")
        return
    name = asked["type"] if asked["method"] == "4bit" else "int8"
    counts = f"{quantized} of {proof['linear_layers']} linear layers"
    if quantized == 0:
        classes = ", ".join(f"{count} {cls}" for cls, count in proof["linear_classes"].items()) or "none"
        raise WorkerError(
            "quantization-not-applied",
            f"{name} was asked for, but {counts} of {proof['model_class']} are quantized (linear layers: {classes}).",
        )
    expected = proof["linear_layers"] - len(proof["skipped_linear_modules"])
    if quantized != expected:
        raise _mismatch(f"{name} was asked for, but only {counts} are quantized; {expected} should be.")
    for key, want in _wanted(asked, dtype).items():
        if effective[key] != want:
            raise _mismatch(f"{name} was asked for with {key} {want}, but the layers have {effective[key]}.")


def _wanted(asked: dict[str, Any], dtype: str) -> dict[str, Any]:
    if asked["method"] == "int8":
        return {"method": "int8", "type": "int8", "int8_threshold": float(asked["threshold"])}
    compute = asked["compute_dtype"]
    return {
        "method": "4bit",
        "type": asked["type"],
        "double_quant": asked["double_quant"],
        "compute_dtype": dtype if compute == "auto" else compute,
    }


def _mismatch(message: str) -> WorkerError:
    return WorkerError("quantization-mismatch", message[0].upper() + message[1:])
