"""Compares two ways to do the same work on one loaded model, in pairs; used by batch_rate.py and quality_rate.py."""

import json
import math
import statistics
from collections.abc import Callable
from typing import Any

#: Returns tokens or texts per second, and what came out.
Side = Callable[[], tuple[float, Any]]


def load_unquantized(folder: str, dtype: str) -> Any:
    """Loads a model on the CPU, as a configuration without quantization does."""
    from falcon_exp.worker.devices.devices import Devices
    from falcon_exp.worker.trial.loading import load

    configuration: Any = {
        "id": "bench",
        "label": "bench",
        "model": {"source": "path", "path": folder},
        "quantization": {"method": "none"},
        "dtype": dtype,
        "device": "cpu",
        "attention": "auto",
        "trust_remote_code": False,
        "workarounds": "auto",
    }
    return load(configuration, Devices.open())


def compare_rates(product: Side, plain: Side, pairs: int) -> str:
    """Prints every pair; returns ``0.985 of the plain loop's rate [0.981, 0.989] over 28 pairs, median 0.985``.

    The interval is the 95 % interval of the geometric mean, by Student's t.
    """
    from scipy.stats import t

    ratios = []
    for pair in range(pairs):
        sides = {"product": product, "plain": plain}
        order = list(sides) if pair % 2 == 0 else list(reversed(sides))
        rates = {name: sides[name]()[0] for name in order}
        ratios.append(rates["product"] / rates["plain"])
        print(json.dumps({"pair": pair + 1, **rates, "ratio": ratios[-1]}), flush=True)
    logs = [math.log(ratio) for ratio in ratios]
    mean = statistics.fmean(logs)
    half = float(t.ppf(0.975, pairs - 1)) * statistics.stdev(logs) / math.sqrt(pairs)
    interval = f"[{math.exp(mean - half):.4f}, {math.exp(mean + half):.4f}]"
    median = statistics.median(ratios)
    return f"{math.exp(mean):.4f} of the plain loop's rate {interval} over {pairs} pairs, median {median:.4f}"
