"""``python -m falcon_exp.worker.describe_models``: reads loads as JSON on stdin, prints their shapes as one line."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

from falcon_exp.worker.failures import error_body
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION
from falcon_exp.worker.hub.wanted import ADAPTER_WEIGHTS, likely_weight_files, small_files
from falcon_exp.worker.quantization.import_torchao import import_quantizers_alone


def describe(load: dict[str, Any], *, trust_remote_code: bool, has_cards: bool = False) -> dict[str, Any]:
    """``{shape, kept, download_bytes, download_note}``, or ``{error}`` with a failure's code and message.

    ``load`` has the model, quantization, dtype, device and workarounds of a configuration. The shape is that of this
    load: layers that ``skip_modules``, the model's code or the device's kernel leave unquantized do not count as
    quantizable.
    """
    from falcon_exp.worker.model_shape import adapter_elements_of, config_of, gguf_types_of, shape_of
    from falcon_exp.worker.workarounds.cures import find_cures

    model = load["model"]
    try:
        config, repository = config_of(model, trust_remote_code)
        size, note = _download_size(model, repository, with_code=trust_remote_code)
        asked: Any = {**load, "trust_remote_code": trust_remote_code}
        cures = find_cures(asked, config, _device_kind(load["device"], has_cards=has_cards))
        left_out = cures.extend(load["quantization"]).get("skip_modules") or []
        shape = shape_of(
            config,
            trust_remote_code=trust_remote_code,
            left_out=left_out,
            adapter_elements=adapter_elements_of(model),
        )
        shape["expanded_from"] = gguf_types_of(model)
        return {
            "shape": shape,
            "kept": cures.unquantized,
            "download_bytes": size,
            "download_note": note,
            "error": None,
        }
    except Exception as error:
        body = error_body(error, "load")
        failure = {"code": body["code"], "message": body["message"]}
        return {"shape": None, "kept": {}, "download_bytes": None, "download_note": None, "error": failure}


def _device_kind(device: str, *, has_cards: bool) -> str:
    """``cpu``, or ``cuda`` for any kind of card: which kind makes no difference here."""
    return "cpu" if device == "cpu" or (device == "auto" and not has_cards) else "cuda"


def _key(load: dict[str, Any]) -> str:
    """Loads with the same key have the same description."""
    quantization = load["quantization"]
    same = {name: quantization.get(name) for name in ("method", "type", "skip_modules")}
    return json.dumps({**load, "quantization": same}, sort_keys=True)


def _download_size(model: dict[str, Any], repository: str | None, *, with_code: bool) -> tuple[int | None, str | None]:
    """Bytes of the files that a load would fetch for the model and its adapter, or why the hub does not tell."""
    adapter = model.get("adapter")
    told = []
    if repository is not None:
        revision = model.get("base", model)["revision"]
        told.append(_repository_bytes(repository, revision, with_code=with_code, is_adapter=False))
    if isinstance(adapter, dict):
        told.append(_repository_bytes(adapter["repo"], adapter["revision"], with_code=False, is_adapter=True))
    note = next((note for _, note in told if note is not None), None)
    return (None, note) if note is not None else (sum(size or 0 for size, _ in told), None)


def _repository_bytes(
    repository: str, revision: str | None, *, with_code: bool, is_adapter: bool
) -> tuple[int | None, str | None]:
    from huggingface_hub import HfApi

    revision = revision or DEFAULT_REVISION
    try:
        files = HfApi().model_info(repository, revision=revision, files_metadata=True).siblings or []
    except Exception as error:
        return None, f"the hub does not tell: {type(error).__name__}"
    sizes = {str(file.rfilename): int(file.size or 0) for file in files}
    weights = [name for name in sizes if name == ADAPTER_WEIGHTS] if is_adapter else likely_weight_files(list(sizes))
    wanted = small_files(sizes, with_code=with_code) + weights
    return sum(sizes[name] for name in wanted), None


def list_devices() -> list[dict[str, Any]]:
    """The devices whose memory a model could be in: every card, or the CPU if there is none."""
    import psutil

    from falcon_exp.worker.devices.devices import Devices

    cards = Devices.open().describe()
    if not cards:
        return [{"device": "cpu", "name": "CPU", "memory_bytes": int(psutil.virtual_memory().total)}]
    return [
        {"device": f"{card.kind}:{card.index}", "name": card.name, "memory_bytes": card.memory_total_bytes}
        for card in cards
    ]


def main() -> int:
    """Writes one line of JSON, with the models in the order of the loads asked for."""
    # Only imports and one answer follow: collecting garbage meanwhile costs a second and frees nothing.
    gc.disable()
    request = json.load(sys.stdin)
    import_quantizers_alone()
    devices = list_devices()
    has_cards = any(one["device"] != "cpu" for one in devices)
    described: dict[str, dict[str, Any]] = {}
    for load in request["loads"]:
        if _key(load) not in described:
            described[_key(load)] = describe(load, trust_remote_code=request["trust_remote_code"], has_cards=has_cards)
    models = [described[_key(load)] for load in request["loads"]]
    sys.stdout.write(json.dumps({"models": models, "devices": devices}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
