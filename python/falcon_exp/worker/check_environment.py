"""``python -m falcon_exp.worker.check_environment [--deep]``: one JSON object on stdout.

Keys: ``python_version``; ``packages`` (distribution → version or null); ``problems`` (``{package, found, wanted}``);
with ``--deep`` also ``import_errors`` (``{package, message}``), ``machine`` (``machineSchema`` of the wire format) and
``devices`` (``{device, name, memory_bytes, dtypes, quantization, unable}``: ``quantization`` maps a format to null if a
small layer was computed in it, else to what went wrong; ``unable`` maps a format to why it was not tried). Without
``--deep``, these are null.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import platform
import sys
from typing import Any

from falcon_exp.worker.requirements import installed, problems

_MODULES = ("torch", "transformers", "bitsandbytes", "accelerate", "zmq", "psutil", "gguf", "pynvml", "jsonschema")


def main() -> int:
    """Always returns 0: the answer says what is wrong."""
    parser = argparse.ArgumentParser(prog="falcon_exp.worker.check_environment")
    parser.add_argument("--deep", action="store_true", help="import the libraries and compute on every device")
    deep = parser.parse_args().deep
    found = installed()
    errors = _import_errors() if deep else None
    answer = {
        "python_version": platform.python_version(),
        "packages": found,
        "problems": problems(found),
        "import_errors": errors,
        "machine": _describe_machine() if errors == [] else None,
        "devices": _devices() if errors == [] else None,
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _import_errors() -> list[dict[str, str]]:
    errors = []
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except BaseException as error:
            errors.append(_describe_import_error(name, error))
    # Libraries import lazily: errors in what a run imports beyond their first file show up only when it is imported.
    hidden = None if errors else _import_as_a_run()
    return errors if hidden is None else [_describe_import_error("what a run needs", hidden)]


def _import_as_a_run() -> BaseException | None:
    from falcon_exp.worker.trial import preload

    if preload.failure is not None:
        return preload.failure
    try:
        preload.finish_imports()
        importlib.import_module("falcon_exp.worker.supervisor.supervisor")
        _generate_two_tokens()
    except BaseException as error:
        return error
    return None


def _generate_two_tokens() -> None:
    """Has everything imported that a model's class and ``generate`` import only when they are used."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    config = LlamaConfig(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, eos_token_id=None
    )
    model = AutoModelForCausalLM.from_config(config)
    model.generate(torch.ones(1, 1, dtype=torch.long), max_new_tokens=2, do_sample=False)


def _describe_import_error(package: str, error: BaseException) -> dict[str, str]:
    # transformers wraps one "could not import" in another; the innermost one names the file.
    first = error
    while isinstance(first.__cause__, ImportError):
        first = first.__cause__
    return {"package": package, "message": f"{type(first).__name__}: {str(first)[:500]}"}


def _describe_machine() -> dict[str, Any]:
    from falcon_exp.worker.machine import describe_machine

    return describe_machine()


def _devices() -> list[dict[str, Any]]:
    import psutil
    import torch

    from falcon_exp.worker.devices.devices import Devices
    from falcon_exp.worker.machine import read_cpu_model

    memory = int(psutil.virtual_memory().total)
    devices: list[dict[str, Any]] = [{"device": "cpu", "name": read_cpu_model(), "memory_bytes": memory}]
    places = {"cpu": torch.device("cpu")}
    known = Devices.open()
    for card in known.describe():
        device = f"{card.kind}:{card.index}"
        places[device] = known.resolve(device).torch_device
        devices.append({"device": device, "name": card.name, "memory_bytes": card.memory_total_bytes})
    for device_row in devices:
        name = str(device_row["device"])
        device_row.update(dtypes=_dtypes(name, places[name]), **_formats(places[name]))
    return devices


def _dtypes(name: str, place: Any) -> list[str]:
    from falcon_exp.worker.failures import WorkerError
    from falcon_exp.worker.trial.preflight import check_dtype

    found = []
    for dtype in ("float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"):
        with contextlib.suppress(WorkerError):
            check_dtype(dtype, place, name)
            found.append(dtype)
    return found


def _formats(device: Any) -> dict[str, dict[str, str | None]]:
    from falcon_exp.worker.failures import WorkerError
    from falcon_exp.worker.quantization.registry import METHODS

    tried: dict[str, str | None] = {}
    unable: dict[str, str | None] = {}
    for method in METHODS:
        for name, asked in method.formats().items():
            try:
                method.refuse_unable(asked, device.type)
            except WorkerError as error:
                unable[name] = error.message
            else:
                tried[name] = _try(method, asked, device)
    return {"quantization": tried, "unable": unable}


def _try(method: Any, asked: dict[str, Any], device: Any) -> str | None:
    """Computes a small layer: None if the result is finite, else what went wrong."""
    import torch

    try:
        with torch.no_grad():
            layer = method.sample_layer(asked).to(device)
            finite = bool(torch.isfinite(layer(torch.ones(2, 128, dtype=torch.bfloat16, device=device))).all())
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None if finite else "the result is not finite"


if __name__ == "__main__":
    sys.exit(main())
