"""What the real worker measures and proves, on a tiny random Falcon."""

from __future__ import annotations

from typing import Any

import pytest

from falcon_exp.results.metrics import metrics
from tests.conftest import configuration, trial
from tests.driver import WorkerDriver


@pytest.mark.parametrize("quantization", ["int8", "fp4", "nf4-double"])
def test_every_decoder_linear_layer_of_a_falcon_is_quantized(shared_worker: WorkerDriver, quantization: str) -> None:
    proof = shared_worker.ok("load", {"configuration": configuration(quantization)})["measurement"]["proof"]
    shared_worker.ok("generate", trial())
    after = shared_worker.ok("unload")["proof_after"]
    # query_key_value, dense, dense_h_to_4h and dense_4h_to_h in each of two layers; not the output head.
    assert proof["quantized_linear_layers"] == 8
    assert proof["workarounds_applied"] == ["plain-linear"]
    assert after["quantized_linear_layers"] == 8
    assert (proof["cache_implementation"], proof["compiled"]) == (None, None)
    assert (after["cache_implementation"], after["compiled"]) == ("DynamicCache", False)
    expected = {"int8": "int8", "fp4": "4bit", "nf4-double": "4bit"}[quantization]
    assert proof["quantization_effective"]["method"] == expected


def test_quantized_weights_are_smaller_in_the_order_that_arithmetic_says(shared_worker: WorkerDriver) -> None:
    sizes = {}
    for quantization in ("none", "int8", "fp4", "nf4-double"):
        load = shared_worker.ok("load", {"configuration": configuration(quantization)})
        sizes[quantization] = load["measurement"]["proof"]["weights_bytes"]
        shared_worker.ok("unload")
    assert sizes["nf4-double"] < sizes["fp4"] < sizes["int8"] < sizes["none"]


def test_a_trial_measures_time_memory_and_text(shared_worker: WorkerDriver) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    measured = shared_worker.ok("generate", trial())["measurement"]
    shared_worker.ok("unload")
    recorded = [metric.record[0] for metric in metrics() if metric.of == "trial" and metric.record is not None]
    assert [key for key in recorded if key not in measured] == []
    assert measured["output_tokens"] == 6
    assert measured["finish_reason"] == "length"
    assert len(measured["itl_sec"]) == 5
    assert 0 < measured["ttft_sec"] < measured["elapsed_sec"]
    assert measured["tpot_sec"] == pytest.approx(1 / measured["decode_tokens_per_sec"])
    assert measured["peak_rss_bytes"] > 100_000_000
    assert measured["peak_memory_allocated_bytes"] is None
    assert len(measured["output_pieces"]) == len(measured["output_ids"]) == 6
    assert "".join(measured["output_pieces"]) == measured["output_text"]


def test_equal_seeds_give_equal_samples_and_other_seeds_give_others(shared_worker: WorkerDriver) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    sampled: dict[str, Any] = {"sampling": "sample", "temperature": 1.0, "max_new_tokens": 20, "min_new_tokens": 20}
    first = shared_worker.ok("generate", trial(seed=3, **sampled))["measurement"]
    again = shared_worker.ok("generate", trial(seed=3, **sampled))["measurement"]
    other = shared_worker.ok("generate", trial(seed=3, repeat=1, **sampled))["measurement"]
    shared_worker.ok("unload")
    assert first["output_ids_sha256"] == again["output_ids_sha256"] != other["output_ids_sha256"]
    assert (first["seed"], other["seed"]) == (3, 4)


def test_without_the_cure_a_falcon_that_is_not_quantized_fails_with_its_own_code(shared_worker: WorkerDriver) -> None:
    error = shared_worker.error("load", {"configuration": configuration("fp4", workarounds="none")})
    assert error["code"] == "quantization-not-applied"
    assert error["phase"] == "load"
    # And the next configuration is none the worse for it.
    shared_worker.ok("load", {"configuration": configuration("fp4")})
    shared_worker.ok("unload")
