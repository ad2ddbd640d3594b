"""`skip_modules`: what the library is told to leave unquantized, and entries that name nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import dynamic_module_utils

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization import registry
from falcon_exp.worker.quantization.none import Unquantized
from falcon_exp.worker.quantization.skip_modules import matches, suggest_entries
from falcon_exp.worker.trial.loading import load
from tests.conftest import QUANTIZATIONS, configuration
from tests.remote_code import make_remote_code_model


@pytest.fixture(autouse=True)
def modules_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirects the folder into which the library copies a model's own code."""
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))


def _skipping(folder: Path, *, trusted: bool) -> Any:
    quantization = {**QUANTIZATIONS["fp4"], "skip_modules": ["q_proj"]}
    model = {"source": "path", "path": str(folder)}
    return {**configuration(model=model, trust_remote_code=trusted), "quantization": quantization}


def test_modules_of_a_trusted_model_with_code_of_its_own_can_be_skipped(tmp_path: Path) -> None:
    folder = make_remote_code_model(tmp_path / "model")
    loaded = load(_skipping(folder, trusted=True), Devices.open())
    proof = loaded.measurement["proof"]
    assert proof["model_class"] == "LabForCausalLM"
    # The user's entry and the library's own.
    assert proof["skipped_linear_modules"] == ["model.layers.0.self_attn.q_proj", "lm_head"]
    assert proof["quantized_linear_layers"] == 6


def test_code_of_a_model_that_is_not_trusted_does_not_run(tmp_path: Path) -> None:
    folder = make_remote_code_model(tmp_path / "model")
    ran = tmp_path / "ran"
    code = folder / "lab_code.py"
    code.write_text(f"open({str(ran)!r}, 'w').close()\n{code.read_text('utf-8')}", "utf-8")
    with pytest.raises(ValueError, match="trust_remote_code"):
        load(_skipping(folder, trusted=False), Devices.open())
    assert not ran.exists()


@pytest.mark.parametrize("quantization", ["int8", "fp4"])
@pytest.mark.parametrize(
    ("entry", "near"),
    [
        ("no_such_module", None),
        # Occurs only in the middle of names, but the library looks at their start and their end.
        ("mlp", ".*mlp"),
        ("dense_h_to_h4", "dense_h_to_4h"),
        ("transformer.h.7", "transformer.h.1.mlp"),
    ],
)
def test_an_entry_that_names_no_layer_is_an_error_with_near_names(
    entry: str, near: str | None, quantization: str
) -> None:
    asked = configuration(quantization)
    asked["quantization"]["skip_modules"] = ["lm_head", entry]
    with pytest.raises(
        WorkerError, match=f"skip_modules: {entry} names no linear layer of FalconForCausalLM"
    ) as caught:
        load(asked, Devices.open())
    assert caught.value.code == "skip-modules-unmatched"
    if near is not None:
        assert near in caught.value.message.partition("Near: ")[2]


def test_a_method_that_is_new_in_the_registry_takes_no_entry_that_names_no_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class New(Unquantized):
        key = "new"
        is_quantizing = True

    monkeypatch.setattr(registry, "METHODS", (*registry.METHODS, New()))
    asked = configuration("none")
    asked["quantization"] = {"method": "new", "skip_modules": ["no_such_module"]}
    with pytest.raises(WorkerError, match="no_such_module names no linear layer") as caught:
        load(asked, Devices.open())
    assert caught.value.code == "skip-modules-unmatched"


def test_an_entry_that_is_no_pattern_is_an_error() -> None:
    asked = configuration("fp4")
    asked["quantization"]["skip_modules"] = ["mlp.(gate"]
    with pytest.raises(WorkerError, match="neither a name nor a pattern") as caught:
        load(asked, Devices.open())
    assert caught.value.code == "skip-modules-unmatched"


@pytest.mark.parametrize(("entry", "skipped"), [("transformer.h.0", 4), (".*mlp", 4), ("query_key_value", 2)])
def test_names_match_from_their_start_as_patterns_and_at_their_end(entry: str, skipped: int) -> None:
    asked = configuration("fp4")
    asked["quantization"]["skip_modules"] = [entry]
    proof = load(asked, Devices.open()).measurement["proof"]
    assert proof["quantized_linear_layers"] == 8 - skipped
    assert len(proof["skipped_linear_modules"]) == skipped + 1


def test_suggested_entries_name_all_that_is_left_out_and_nothing_else() -> None:
    wanted = ["h.0.router", "h.1.router", "h.1.mlp.gate"]
    others = ["h.0.mlp.gate", "h.0.mlp.up", "h.1.mlp.up"]
    entries = suggest_entries(wanted, others)
    assert entries == ["router", "1.mlp.gate"]
    assert all(any(matches(entry, name) for entry in entries) for name in wanted)
    assert not any(matches(entry, name) for entry in entries for name in others)
