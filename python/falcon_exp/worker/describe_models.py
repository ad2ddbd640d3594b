"""``python -m falcon_exp.worker.describe_models``: models as JSON on stdin, their shapes on stdout, one line."""

from __future__ import annotations

import json
import sys
from typing import Any

from falcon_exp.worker.failures import error_body
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION
from falcon_exp.worker.hub.wanted import likely_weight_files, small_files


def describe(model: dict[str, Any], trust_remote_code: bool) -> dict[str, Any]:
    """``{shape, download_bytes, download_note}``, or ``{error}`` with a failure's code and message."""
    from falcon_exp.worker.model_shape import adapter_elements_of, config_of, gguf_types_of, shape_of

    try:
        config, repository = config_of(model, trust_remote_code)
        size, note = (
            (0, None)
            if repository is None
            else _download_bytes(repository, _revision_of(model), with_code=trust_remote_code)
        )
        shape = shape_of(config, trust_remote_code=trust_remote_code, adapter_elements=adapter_elements_of(model))
        shape["expanded_from"] = gguf_types_of(model)
        return {"shape": shape, "download_bytes": size, "download_note": note, "error": None}
    except Exception as error:
        body = error_body(error, "load")
        failure = {"code": body["code"], "message": body["message"]}
        return {"shape": None, "download_bytes": None, "download_note": None, "error": failure}


def _revision_of(model: dict[str, Any]) -> str:
    return str(model.get("base", model)["revision"] or DEFAULT_REVISION)


def _download_bytes(repository: str, revision: str, *, with_code: bool) -> tuple[int | None, str | None]:
    """Bytes of the files that a load would fetch, as the hub tells them."""
    from huggingface_hub import HfApi

    try:
        files = HfApi().model_info(repository, revision=revision, files_metadata=True).siblings or []
    except Exception as error:
        return None, f"the hub does not tell: {type(error).__name__}"
    sizes = {str(file.rfilename): int(file.size or 0) for file in files}
    wanted = small_files(sizes, with_code=with_code) + likely_weight_files(list(sizes))
    return sum(sizes[name] for name in wanted), None


def list_devices() -> list[dict[str, Any]]:
    """Memory that a model could lie in: every card's, else the machine's own."""
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
    """Writes one line of JSON, in the order of the models asked for."""
    request = json.load(sys.stdin)
    models = [describe(model, request["trust_remote_code"]) for model in request["models"]]
    sys.stdout.write(json.dumps({"models": models, "devices": list_devices()}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
