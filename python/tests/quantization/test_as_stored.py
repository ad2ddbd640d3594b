"""Files that are already quantized: loaded as they are and reported as what they became."""

from __future__ import annotations

import json
import runpy
import shutil
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.stored import name_stored
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.trial import TrialProcess
from tests.conftest import configuration, trial
from tests.models import write_model
from tests.proof.tiny_models import tiny_model

_LLAMA: Any = tiny_model("llama")["config"]
_SCRIPT = Path(__file__).parents[3] / "experiments" / "checkpoints" / "write_w4a16.py"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("plain"), _LLAMA, dtype=torch.bfloat16)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, plain: Path) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "w4a16"
    runpy.run_path(str(_SCRIPT))["main"](plain, folder)
    return folder


def _asked(path: Path, checkpoint: Path | None = None, **changes: Any) -> Any:
    asked = configuration(model={"source": "path", "path": str(path)}, **changes)
    stored = None if checkpoint is None else {"source": "path", "path": str(checkpoint)}
    asked["quantization"] = {"method": "as-stored", "checkpoint": stored}
    return asked


def _with_config(plain: Path, folder: Path, quantization_config: Any) -> Path:
    shutil.copytree(plain, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["quantization_config"] = quantization_config
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def test_a_checkpoint_of_4_bits_is_proved_at_load_and_told_as_unpacked_once_it_ran(plain: Path, packed: Path) -> None:
    ours, theirs = Pipe()
    process = TrialProcess(theirs)
    process._load({"configuration": _asked(plain, packed)})
    loaded = process._loaded
    assert loaded is not None
    assert loaded.measurement["stored_quantization"] == "compressed-tensors, 4 bits, groups of 64"
    at_load = loaded.measurement["proof"]
    assert at_load["matrix_weights_quantized_share"] == 1
    assert at_load["mean_bits_per_weight"] < 4.5
    process._generate(trial())
    running = loaded.proof().body
    # The library unpacks each layer at its first forward pass: that is no error, but no longer a 4-bit model.
    assert running["matrix_weights_quantized_share"] == 0
    assert running["weights_bytes"] > 2 * at_load["weights_bytes"]
    ours.close()


def test_the_same_files_never_pass_as_none(packed: Path) -> None:
    with pytest.raises(WorkerError, match="already quantized, by compressed-tensors, 4 bits, groups of 64") as caught:
        load(configuration(model={"source": "path", "path": str(packed)}), Devices.open())
    assert caught.value.code == "model-already-quantized"


def test_files_that_are_not_quantized_are_not_as_stored(plain: Path) -> None:
    with pytest.raises(WorkerError, match="no quantization_config") as caught:
        load(_asked(plain), Devices.open())
    assert caught.value.code == "model-not-quantized"


def test_a_checkpoint_of_another_model_is_refused(packed: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other", {**_LLAMA, "num_hidden_layers": 1})
    with pytest.raises(WorkerError, match="has num_hidden_layers 2, and the model has 1") as caught:
        load(_asked(other, packed), Devices.open())
    assert caught.value.code == "checkpoint-of-another-model"


@pytest.mark.parametrize(
    ("stored", "code", "told"),
    [
        (
            {"quant_method": "gptq", "bits": 4, "group_size": 128},
            "quantization-library-missing",
            "gptq, 4 bits, groups of",
        ),
        ({"quant_method": "eetq"}, "quantization-library-missing", "eetq"),
        ({"quant_method": "fbgemm_fp8"}, "quantization-needs-gpu", "fbgemm_fp8"),
        ({"quant_method": "a-method-of-next-year"}, "quantization-unsupported", "a-method-of-next-year"),
    ],
    ids=lambda one: one.get("quant_method") if isinstance(one, dict) else "",
)
def test_what_cannot_be_read_here_says_so_before_anything_is_loaded(
    plain: Path, tmp_path: Path, stored: Any, code: str, told: str
) -> None:
    folder = _with_config(plain, tmp_path / "model", stored)
    with pytest.raises(WorkerError, match=told) as caught:
        load(_asked(folder), Devices.open())
    assert caught.value.code == code


def test_8_bit_floats_in_blocks_are_told_as_dequantized(plain: Path, tmp_path: Path) -> None:
    """The library has no kernel for them on a CPU, and says so only in its log."""
    folder = _with_config(plain, tmp_path / "fp8", {"quant_method": "fp8", "weight_block_size": [128, 128]})
    loaded = load(_asked(folder, device="cpu"), Devices.open())
    assert loaded.measurement["stored_quantization"] == "fp8, blocks of 128 × 128"
    assert loaded.measurement["proof"]["matrix_weights_quantized_share"] == 0


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ({"quant_method": "awq", "w_bit": 4, "group_size": -1}, "awq, 4 bits"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes in 8-bit"),
        ({"quant_method": "quanto", "weights": "int4"}, "quanto, int4"),
        ({"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig"}}}, "torchao, Int8W"),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"g": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            "compressed-tensors, 8 bits as floats",
        ),
        ({"quant_method": "mxfp4"}, "mxfp4"),
    ],
)
def test_files_are_named_with_their_bits_and_groups(stored: Any, name: str) -> None:
    assert name_stored(stored).startswith(name)
