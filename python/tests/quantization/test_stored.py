"""Files that are already quantized are never passed off as what was asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, ByT5Tokenizer

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.model_shape import config_of, shape_of
from falcon_exp.worker.trial.loading import load
from tests.conftest import configuration
from tests.models import write_model
from tests.proof.tiny_models import tiny_model

_LLAMA: dict[str, Any] = tiny_model("llama")["config"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("plain"), _LLAMA, dtype=torch.bfloat16)


def _copy(plain: Path, folder: Path, quantization_config: dict[str, Any] | None = None) -> Path:
    shutil.copytree(plain, folder)
    if quantization_config is not None:
        file = folder / "config.json"
        config = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps({**config, "quantization_config": quantization_config}), "utf-8")
    return folder


def _load(folder: Path, quantization: str) -> dict[str, Any]:
    model = {"source": "path", "path": str(folder)}
    proof: dict[str, Any] = load(configuration(quantization, model=model), Devices.open()).measurement["proof"]
    return proof


@pytest.mark.parametrize("quantization", ["none", "int8", "fp4"])
@pytest.mark.parametrize(
    "stored",
    [
        {"quant_method": "fp8", "weight_block_size": [128, 128]},
        {"quant_method": "mxfp4"},
        {"quant_method": "compressed-tensors", "format": "pack-quantized"},
        {"quant_method": "gptq", "bits": 4},
        {"quant_method": "a-method-of-next-year"},
    ],
    ids=lambda stored: stored["quant_method"],
)
def test_files_of_another_method_are_refused_by_its_name(
    plain: Path, tmp_path: Path, stored: dict[str, Any], quantization: str
) -> None:
    folder = _copy(plain, tmp_path / "model", stored)
    with pytest.raises(WorkerError, match=f"already quantized, by {stored['quant_method']}") as caught:
        _load(folder, quantization)
    assert caught.value.code == "model-already-quantized"


def test_a_config_of_random_weights_that_is_quantized_is_refused_as_well() -> None:
    model = tiny_model("llama")
    model["config"]["quantization_config"] = {"quant_method": "fp8"}
    with pytest.raises(WorkerError, match="by fp8"):
        load(configuration(model=model), Devices.open())


def test_8_bit_weights_of_which_no_config_speaks_are_refused(plain: Path, tmp_path: Path) -> None:
    folder = _copy(plain, tmp_path / "model")
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = "model.layers.0.mlp.up_proj.weight"
    save_file({**tensors, name: tensors[name].to(torch.float8_e4m3fn)}, file, {"format": "pt"})
    with pytest.raises(WorkerError, match="F8_E4M3") as caught:
        _load(folder, "none")
    assert caught.value.code == "model-already-quantized"


def test_an_adapter_beside_the_weights_is_refused_by_name(plain: Path, tmp_path: Path) -> None:
    adapter = {"peft_type": "LORA", "base_model_name_or_path": "lab/base"}
    folder = _copy(plain, tmp_path / "model")
    (folder / "adapter_config.json").write_text(json.dumps(adapter), "utf-8")
    with pytest.raises(WorkerError, match="adapter \\(LORA\\) of lab/base") as caught:
        _load(folder, "none")
    assert caught.value.code == "model-has-adapter"
    (folder / "config.json").unlink()
    with pytest.raises(WorkerError, match="adapter \\(LORA\\) of lab/base"):
        _load(folder, "none")


@pytest.fixture(scope="module")
def saved_4_bit(tmp_path_factory: pytest.TempPathFactory, plain: Path) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    settings = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="fp4", bnb_4bit_compute_dtype=torch.bfloat16)
    AutoModelForCausalLM.from_pretrained(plain, quantization_config=settings).save_pretrained(folder)
    ByT5Tokenizer().save_pretrained(folder)
    return folder


def test_what_bitsandbytes_saved_is_loaded_as_what_it_is(saved_4_bit: Path) -> None:
    assert _load(saved_4_bit, "fp4")["matrix_weights_quantized_share"] == 1


def test_what_bitsandbytes_saved_in_8_bits_is_loaded_as_what_it_is_and_as_nothing_else(
    plain: Path, tmp_path: Path
) -> None:
    settings = BitsAndBytesConfig(load_in_8bit=True)
    AutoModelForCausalLM.from_pretrained(plain, quantization_config=settings).save_pretrained(tmp_path)
    ByT5Tokenizer().save_pretrained(tmp_path)
    assert _load(tmp_path, "int8")["matrix_weights_quantized_share"] == 1
    for quantization in ("none", "fp4"):
        with pytest.raises(WorkerError, match="by bitsandbytes in 8-bit") as caught:
            _load(tmp_path, quantization)
        assert caught.value.next_step == "Ask for what the files are: int8."


def test_what_bitsandbytes_saved_is_refused_as_anything_else(saved_4_bit: Path) -> None:
    for quantization in ("none", "int8"):
        with pytest.raises(WorkerError, match="by bitsandbytes in 4-bit") as caught:
            _load(saved_4_bit, quantization)
        assert caught.value.code == "model-already-quantized"
        assert caught.value.next_step == "Ask for what the files are: {type: fp4, double_quant: false}."


def test_the_shape_names_what_the_files_are_quantized_by(plain: Path, tmp_path: Path) -> None:
    folder = _copy(plain, tmp_path / "model", {"quant_method": "fp8"})
    config, _ = config_of({"source": "path", "path": str(folder)}, trust_remote_code=False)
    assert shape_of(config)["stored_quantization"] == "fp8"
    config, _ = config_of({"source": "path", "path": str(plain)}, trust_remote_code=False)
    assert shape_of(config)["stored_quantization"] is None
