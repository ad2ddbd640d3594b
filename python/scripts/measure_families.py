"""``python -m scripts.measure_families [family…]``: prints a table of families with every method that runs here.

With ``--other-libraries``, the methods are those of torchao and quanto, otherwise ``none`` and those of bitsandbytes.
``--weighed FILE`` writes one line of JSON per load, with the shape described before it and the census's bytes right
after it.

Each family has a process of its own, and each method is a load: made with random weights, run once, read back and
verified. A failure is shown by its code.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.families import list_families

#: The methods of one table, by name.
Methods = dict[str, dict[str, Any]]
METHODS: Methods = {
    "none": {"method": "none"},
    "int8": {"method": "int8", "threshold": 6.0, "skip_modules": None},
    "nf4": {"method": "4bit", "type": "nf4", "double_quant": False, "compute_dtype": "auto", "skip_modules": None},
}
OTHER_METHODS: Methods = {
    f"{method}-{kind}": {"method": method, "type": kind, "skip_modules": None}
    for method, kinds in {
        "torchao": ("int8", "int8-dynamic", "float8"),
        "quanto": ("int8", "int4", "float8"),
    }.items()
    for kind in kinds
}
_PROMPT_TOKENS = 40
_LIMIT_SEC = 300


def measure(family: str, methods: Methods = METHODS) -> list[dict[str, Any]]:
    """For each method, what was proved after a forward pass, or the code of the failure."""
    from falcon_exp.worker.devices.devices import Devices

    devices = Devices.open()
    return [_measure_one(family, label, asked, devices) for label, asked in methods.items()]


def _measure_one(family: str, label: str, asked: Any, devices: Any) -> Any:
    import torch

    from falcon_exp.worker.describe_models import describe
    from falcon_exp.worker.failures import error_body
    from falcon_exp.worker.trial.loading import load

    configuration: Any = {
        "id": "family",
        "label": label,
        "model": {"source": "random", "config": list_families()[family], "seed": 1, "tokenizer": "bytes"},
        "quantization": asked,
        "dtype": "bfloat16",
        "device": "cpu",
        "attention": "auto",
        "trust_remote_code": False,
        "workarounds": "auto",
    }
    shape = describe(configuration, trust_remote_code=False)["shape"]
    phase = "load"
    try:
        loaded = load(configuration, devices)
        phase = "measure"
        ids = torch.arange(3, 3 + _PROMPT_TOKENS).unsqueeze(0)
        with torch.inference_mode():
            loaded.model.generate(ids, max_new_tokens=3, min_new_tokens=3, do_sample=False)
        loaded.verify_running()
    except Exception as error:
        return {"code": error_body(error, phase)["code"], "message": str(error)}
    proof = loaded.proof().body
    at_load = loaded.measurement["proof"]["weights_bytes"]
    return {
        "code": None,
        "weighed": {**_asked_of(family, configuration), "shape": shape, "weights_bytes": at_load},
        "model_class": proof["model_class"],
        "linear": f"{proof['quantized_linear_layers']}/{proof['linear_layers']}",
        "weights_bytes": proof["weights_bytes"],
        "share": proof["matrix_weights_quantized_share"],
        "workarounds": proof["workarounds_applied"],
        "cache": loaded.measurement["model_shape"]["cache"],
    }


def _asked_of(family: str, configuration: Any) -> Any:
    return {"family": family, "quantization": configuration["quantization"], "dtype": configuration["dtype"]}


def in_a_fork(work: Callable[[str], list[dict[str, Any]]], family: str) -> list[dict[str, Any]] | None:
    """Works in a fork, so that no cures or memory of a family reach the next; None if it died or took too long."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=lambda: there.send(work(family)))
    process.start()
    there.close()
    try:
        rows: list[dict[str, Any]] | None = here.recv() if here.poll(_LIMIT_SEC) else None
    except EOFError:
        rows = None
    process.kill()
    process.join()
    return rows


def _run_family(family: str, methods: Methods) -> list[dict[str, Any]]:
    return in_a_fork(lambda one: measure(one, methods), family) or [{"code": "trial-process-died"} for _ in methods]


def format_row(family: str, results: list[dict[str, Any]]) -> str:
    """A row of the table whose first method is unquantized."""
    whole = next((one for one in results if one["code"] is None), None)
    first, *others = results
    unquantized = f"`{first['code']}`" if first["code"] is not None else f"{first['weights_bytes']:,}"
    cells = [family, "" if whole is None else whole["model_class"], unquantized, *map(_format_quantized, others)]
    return f"| {' | '.join([*cells, _format_cures(results), _format_cache(whole)])} |"


def format_other_row(family: str, results: list[dict[str, Any]]) -> str:
    """A row of the table of other libraries' methods."""
    return f"| {' | '.join([family, *map(_format_quantized, results), _format_cures(results)])} |"


def _format_quantized(result: Any) -> str:
    if result["code"] is not None:
        return f"`{result['code']}`"
    return f"{result['linear']}, {format_share(result['share'])}, {result['weights_bytes']:,}"


def _format_cures(results: list[dict[str, Any]]) -> str:
    return ", ".join(sorted({cure for one in results if one["code"] is None for cure in one["workarounds"]}))


def format_share(share: float | None) -> str:
    """A share in percent; ``?`` if the census could not open everything."""
    return "?" if share is None else f"{share:.0%}"


def _format_cache(whole: Any | None) -> str:
    cache = None if whole is None else whole["cache"]
    if cache is None:
        return ""
    parts = [f"{cache['elements_per_token']} a token"] if cache["elements_per_token"] else []
    parts += [f"{one['elements_per_token']} in a window of {one['tokens']}" for one in cache["windows"]]
    if cache["fixed_elements"] or cache["fixed_bytes"]:
        parts.append(f"{cache['fixed_elements']} and {cache['fixed_bytes']:,} bytes")
    return " + ".join(parts)


def main() -> int:
    """Writes the table of the families named, or of all; failure messages go to stderr."""
    parser = argparse.ArgumentParser(prog="scripts.measure_families")
    parser.add_argument("families", nargs="*", help="default: all")
    parser.add_argument("--other-libraries", action="store_true", help="the methods of torchao and quanto")
    parser.add_argument("--weighed", help="the file for bytes beside shapes")
    given = parser.parse_args()
    # Imported once, for all forks.
    from falcon_exp.worker.quantization.registry import find_method
    from falcon_exp.worker.trial import preload

    if preload.failure is not None:
        raise preload.failure

    is_other = given.other_libraries
    methods = OTHER_METHODS if is_other else METHODS
    for asked in methods.values():
        find_method(asked).import_library()
    quantized = [f"{name}: linear layers, share, bytes" for name in methods if name != "none"]
    heads = ["family", *([] if is_other else ["class", "none: bytes"]), *quantized, "workarounds"]
    heads += [] if is_other else ["elements of the cache"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n")
    weighed: list[dict[str, Any]] = []
    for family in given.families or list_families():
        rows = _run_family(family, methods)
        sys.stdout.write((format_other_row if is_other else format_row)(family, rows) + "\n")
        sys.stdout.flush()
        for method, row in zip(methods, rows, strict=True):
            if row["code"] is None:
                weighed.append(row["weighed"])
            else:
                sys.stderr.write(f"{family} {method}: {row['code']}: {row.get('message')}\n")
    if given.weighed is not None:
        Path(given.weighed).write_text("".join(json.dumps(one) + "\n" for one in weighed), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
