"""``python -m scripts.measure_families``: every family under every method that runs here, as one table on stdout.

Each family is a process of its own, and each method a load: made with random weights, run once, read back. What fails
is told by its code.
"""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any

from scripts.families import list_families

METHODS: dict[str, dict[str, Any]] = {
    "none": {"method": "none"},
    "int8": {"method": "int8", "threshold": 6.0, "skip_modules": None},
    "nf4": {"method": "4bit", "type": "nf4", "double_quant": False, "compute_dtype": "auto", "skip_modules": None},
}
_PROMPT_TOKENS = 40
_LIMIT_SEC = 300


def measure(family: str) -> list[dict[str, Any]]:
    """By method: what was proved after a forward pass, or the code of the failure."""
    from falcon_exp.worker.devices.devices import Devices

    devices = Devices.open()
    return [_measure_one(list_families()[family], method, devices) for method in METHODS]


def _measure_one(config: dict[str, Any], method: str, devices: Any) -> dict[str, Any]:
    import torch

    from falcon_exp.worker.failures import error_body
    from falcon_exp.worker.trial.loading import load

    configuration = {
        "id": "family",
        "label": method,
        "model": {"source": "random", "config": config, "seed": 1, "tokenizer": "bytes"},
        "quantization": METHODS[method],
        "dtype": "bfloat16",
        "device": "cpu",
        "attention": "auto",
        "trust_remote_code": False,
        "workarounds": "auto",
    }
    phase = "load"
    try:
        loaded = load(configuration, devices)
        phase = "measure"
        ids = torch.arange(3, 3 + _PROMPT_TOKENS).unsqueeze(0)
        with torch.inference_mode():
            loaded.model.generate(ids, max_new_tokens=3, min_new_tokens=3, do_sample=False)
    except Exception as error:
        return {"code": error_body(error, phase)["code"], "message": str(error)}
    proof = loaded.proof().body
    return {
        "code": None,
        "model_class": proof["model_class"],
        "linear": f"{proof['quantized_linear_layers']}/{proof['linear_layers']}",
        "weights_bytes": proof["weights_bytes"],
        "share": proof["matrix_weights_quantized_share"],
        "workarounds": proof["workarounds_applied"],
        "cache": loaded.measurement["model_shape"]["cache"],
    }


def _run_family(family: str) -> list[dict[str, Any]]:
    """In a fork of this process, so that neither cures nor memory of one family reach the next."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=lambda: there.send(measure(family)))
    process.start()
    there.close()
    try:
        rows: list[dict[str, Any]] = here.recv() if here.poll(_LIMIT_SEC) else _died()
    except EOFError:
        rows = _died()
    process.kill()
    process.join()
    return rows


def _died() -> list[dict[str, Any]]:
    return [{"code": "trial-process-died"} for _ in METHODS]


def format_row(family: str, results: list[dict[str, Any]]) -> str:
    """A line of the table."""
    whole = next((one for one in results if one["code"] is None), None)
    cells = [family, "" if whole is None else whole["model_class"]]
    for method, result in zip(METHODS, results, strict=True):
        if result["code"] is not None:
            cells.append(f"`{result['code']}`")
        elif method == "none":
            cells.append(f"{result['weights_bytes']:,}")
        else:
            cells.append(f"{result['linear']}, {format_share(result['share'])}, {result['weights_bytes']:,}")
    cures = sorted({cure for one in results if one["code"] is None for cure in one["workarounds"]})
    return f"| {' | '.join([*cells, ', '.join(cures), _format_cache(whole)])} |"


def format_share(share: float | None) -> str:
    """``?`` where the census could not open everything."""
    return "?" if share is None else f"{share:.0%}"


def _format_cache(whole: dict[str, Any] | None) -> str:
    cache = None if whole is None else whole["cache"]
    if cache is None:
        return ""
    parts = [f"{cache['elements_per_token']} a token"] if cache["elements_per_token"] else []
    parts += [f"{one['elements_per_token']} in a window of {one['tokens']}" for one in cache["windows"]]
    if cache["fixed_elements"] or cache["fixed_bytes"]:
        parts.append(f"{cache['fixed_elements']} and {cache['fixed_bytes']:,} bytes")
    return " + ".join(parts)


def main() -> int:
    """Writes the table of the families named, else of all; messages of failures go to stderr."""
    # Once, for all forks.
    import bitsandbytes  # noqa: F401

    from falcon_exp.worker.trial import loading  # noqa: F401

    heads = ["family", "class", "none: bytes", *[f"{name}: linear layers, share, bytes" for name in METHODS][1:]]
    heads += ["workarounds", "elements of the cache"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n")
    for family in sys.argv[1:] or list_families():
        rows = _run_family(family)
        sys.stdout.write(format_row(family, rows) + "\n")
        sys.stdout.flush()
        for method, row in zip(METHODS, rows, strict=True):
            if row["code"] is not None:
                sys.stderr.write(f"{family} {method}: {row['code']}: {row.get('message')}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
