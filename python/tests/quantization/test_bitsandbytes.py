"""What the library is told to leave unquantized."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import dynamic_module_utils

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.trial.loading import load
from tests.conftest import QUANTIZATIONS, configuration
from tests.remote_code import make_remote_code_model


@pytest.fixture(autouse=True)
def modules_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library copies a model's own code."""
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))


def _skipping(folder: Path, *, trusted: bool) -> dict[str, Any]:
    quantization = {**QUANTIZATIONS["fp4"], "skip_modules": ["q_proj"]}
    model = {"source": "path", "path": str(folder)}
    return {**configuration(model=model, trust_remote_code=trusted), "quantization": quantization}


def test_modules_of_a_trusted_model_with_code_of_its_own_can_be_skipped(tmp_path: Path) -> None:
    folder = make_remote_code_model(tmp_path / "model")
    loaded = load(_skipping(folder, trusted=True), Devices.open())
    proof = loaded.measurement["proof"]
    assert proof["model_class"] == "LabForCausalLM"
    # The user's and the library's own.
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
