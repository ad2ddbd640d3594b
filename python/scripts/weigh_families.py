"""``python -m scripts.weigh_families [family…]``: the size of each family's loads, and the shape described before each.

Prints one JSON object per line: family, quantization, dtype, shape and the census's bytes right after the load, or the
code of the failure. test/plan/estimate-families.test.ts compares the estimate with it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from scripts.families import list_families
from scripts.measure_families import METHODS, in_a_fork

_QUANTIZATIONS = {**METHODS, "nf4-double": {**METHODS["nf4"], "double_quant": True}}


def weigh(family: str) -> list[dict[str, Any]]:
    """One row per quantization."""
    from falcon_exp.worker.devices.devices import Devices

    devices = Devices.open()
    return [_weigh_one(family, quantization, devices) for quantization in _QUANTIZATIONS.values()]


def _weigh_one(family: str, quantization: Any, devices: Any) -> Any:
    from falcon_exp.worker.describe_models import describe
    from falcon_exp.worker.failures import error_body
    from falcon_exp.worker.trial.loading import load

    model = {"source": "random", "config": list_families()[family], "seed": 1, "tokenizer": "bytes"}
    asked = {"model": model, "quantization": quantization, "device": "cpu", "workarounds": "auto"}
    configuration: Any = {
        **asked,
        "id": "family",
        "label": "family",
        "dtype": "bfloat16",
        "attention": "auto",
        "trust_remote_code": False,
    }
    told = describe(asked, trust_remote_code=False)
    row = {"family": family, "quantization": quantization, "dtype": "bfloat16", "shape": told["shape"]}
    try:
        measurement = load(configuration, devices).measurement
    except Exception as error:
        return {**row, "code": error_body(error, "load")["code"], "weights_bytes": None}
    return {**row, "code": None, "weights_bytes": measurement["proof"]["weights_bytes"]}


def main() -> int:
    """Writes the rows of the families named, or of all."""
    import bitsandbytes  # noqa: F401

    from falcon_exp.worker.trial import loading  # noqa: F401

    for family in sys.argv[1:] or list_families():
        for row in in_a_fork(weigh, family) or [{"family": family, "code": "trial-process-died"}]:
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
