"""An adapter is applied in full, reported separately from the model, and never applied without being asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from falcon_exp.worker.describe_models import describe
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.loading import load
from tests.conftest import configuration
from tests.models import write_adapter, write_model
from tests.proof.tiny_models import tiny_model

_LAYERS, _RANK = 2, 4
#: q_proj and v_proj of each layer: 128 → 128 and 128 → 64.
_ELEMENTS = _LAYERS * (_RANK * (128 + 128) + _RANK * (128 + 64))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base"), tiny_model("llama")["config"], dtype=torch.bfloat16)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    return write_adapter(tmp_path_factory.mktemp("adapter"), base, rank=_RANK, target_modules=["q_proj", "v_proj"])


def _adapted(base: Path, adapter: Path, quantization: str = "none", **changes: Any) -> Any:
    model = {
        "source": "adapted",
        "base": {"source": "path", "path": str(base)},
        "adapter": str(adapter),
        "merged": False,
    }
    return configuration(quantization, model=model, **changes)


def _as_load(model: Any) -> Any:
    return {"model": model, "quantization": {"method": "none"}, "device": "cpu", "workarounds": "auto"}


def _logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.arange(3, 20).unsqueeze(0)).logits.float()
    return logits


def _refused(code: str, base: Path, adapter: Path) -> str:
    with pytest.raises(WorkerError) as caught:
        load(_adapted(base, adapter), Devices.open())
    assert caught.value.code == code
    return caught.value.message


def test_an_adapted_model_computes_what_peft_computes_and_the_base_does_not(base: Path, adapter: Path) -> None:
    from peft import PeftModel

    loaded = load(_adapted(base, adapter, dtype="float32"), Devices.open())
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    alone = _logits(plain)
    expected = _logits(PeftModel.from_pretrained(plain, adapter))
    assert torch.allclose(_logits(loaded.model), expected, atol=1e-5)
    assert not torch.allclose(alone, expected, atol=1e-2)


@pytest.mark.parametrize("quantization", ["none", "int8", "nf4-double"])
def test_the_proof_tells_the_adapter_apart_from_the_model(base: Path, adapter: Path, quantization: str) -> None:
    loaded = load(_adapted(base, adapter, quantization), Devices.open())
    without = load(configuration(quantization, model={"source": "path", "path": str(base)}), Devices.open())
    _logits(loaded.model), _logits(without.model)
    loaded.verify_running()
    proof, bare = loaded.proof().body, without.proof().body
    assert proof["adapter"] == {
        "type": "LORA",
        "modules": 2 * _LAYERS,
        "parameters": _ELEMENTS,
        "bytes": 2 * _ELEMENTS,
        "dtype": "bfloat16",
        "active": True,
    }
    assert bare["adapter"] is None
    same = ("linear_layers", "quantized_linear_layers", "skipped_linear_modules", "matrix_weights_quantized_share")
    assert [proof[key] for key in same] == [bare[key] for key in same]
    assert proof["weights_bytes"] == bare["weights_bytes"] + 2 * _ELEMENTS
    kinds = {kind["kind"]: kind["bytes"] for kind in proof["census"]["kinds"]}
    assert kinds.pop("adapter") == 2 * _ELEMENTS
    assert kinds == {kind["kind"]: kind["bytes"] for kind in bare["census"]["kinds"]}


def test_modules_left_out_of_the_quantization_keep_their_names_beneath_an_adapter(base: Path, adapter: Path) -> None:
    asked = _adapted(base, adapter, "int8")
    asked["quantization"]["skip_modules"] = ["q_proj"]
    proof = load(asked, Devices.open()).measurement["proof"]
    assert proof["skipped_linear_modules"] == [
        "model.layers.0.self_attn.q_proj",
        "model.layers.1.self_attn.q_proj",
        "lm_head",
    ]


def test_a_module_that_was_trained_whole_is_the_adapters_too(base: Path, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path, base, rank=_RANK, target_modules=["q_proj"], modules_to_save=["lm_head"])
    proof = load(_adapted(base, folder), Devices.open()).measurement["proof"]
    assert proof["adapter"]["modules"] == _LAYERS + 1
    assert proof["adapter"]["parameters"] == _LAYERS * _RANK * (128 + 128) + 384 * 128
    assert proof["linear_layers"] == 15


def test_an_estimate_counts_the_adapter(base: Path, adapter: Path) -> None:
    with_adapter = _adapted(base, adapter)["model"]
    told = [
        describe(_as_load(model), trust_remote_code=False)["shape"] for model in (with_adapter, with_adapter["base"])
    ]
    assert told[0]["other_parameters"] - told[1]["other_parameters"] == _ELEMENTS
    loaded = load(_adapted(base, adapter), Devices.open()).measurement["model_shape"]
    assert loaded["other_parameters"] == told[0]["other_parameters"]


def test_an_adapters_own_tokenizer_goes_before_the_bases(base: Path, adapter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = "{{ messages[0].content }}!"
    tokenizer.save_pretrained(folder)
    assert load(_adapted(base, folder), Devices.open()).tokenizer.chat_template == tokenizer.chat_template


def test_an_adapter_of_another_model_is_refused_by_what_does_not_fit(adapter: Path, tmp_path: Path) -> None:
    wider = {**tiny_model("llama")["config"], "hidden_size": 64}
    other = write_model(tmp_path / "other", wider, dtype=torch.bfloat16)
    assert "does not fit this model" in _refused("adapter-invalid", other, adapter)


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "too many"])
def test_tensors_that_are_lost_or_too_many_are_named(base: Path, adapter: Path, tmp_path: Path, is_lost: bool) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    name = sorted(tensors)[0]
    tensor = tensors.pop(name) if is_lost else tensors[name]
    save_file(
        tensors if is_lost else {**tensors, name.replace("layers.0", "layers.7"): tensor.clone()},
        file,
        {"format": "pt"},
    )
    assert ("layers.0" if is_lost else "layers.7") in _refused("adapter-invalid", base, folder)


def test_what_is_no_lora_folder_is_refused_in_words(base: Path, adapter: Path, tmp_path: Path) -> None:
    assert "does not exist" in _refused("adapter-invalid", base, tmp_path / "none")
    assert "holds no adapter_config.json" in _refused("adapter-invalid", base, base)
    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    assert "pickle" in _refused("model-unsafe-format", base, folder)
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "peft_type": "PROMPT_TUNING"}), "utf-8")
    assert "another kind than LoRA: PROMPT_TUNING" in _refused("adapter-invalid", base, folder)


def test_a_model_that_is_an_adapter_gets_the_lines_to_write(base: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as caught:
        load(configuration(model={"source": "path", "path": str(adapter)}), Devices.open())
    assert caught.value.code == "model-has-adapter"
    assert f"model: {{path: {base}, adapter: {adapter}}}" in str(caught.value.next_step)
    folder = tmp_path / "adapter"
    shutil.copytree(adapter, folder)
    file = folder / "adapter_config.json"
    named = {**json.loads(file.read_text("utf-8")), "base_model_name_or_path": "lab/base"}
    file.write_text(json.dumps(named), "utf-8")
    with pytest.raises(WorkerError) as caught:
        load(configuration(model={"source": "path", "path": str(folder)}), Devices.open())
    assert f"model: {{hub: lab/base, adapter: {folder}}}" in str(caught.value.next_step)


def test_an_adapter_that_is_switched_off_or_that_nobody_asked_for_is_never_measured(base: Path, adapter: Path) -> None:
    loaded = load(_adapted(base, adapter), Devices.open())
    plain = load(configuration(model={"source": "path", "path": str(base)}), Devices.open())
    loaded.model.disable_adapters()
    with pytest.raises(WorkerError, match="inactive") as caught:
        loaded.verify_running()
    assert caught.value.code == "adapter-mismatch"
    plain.model.load_adapter(str(adapter))
    with pytest.raises(WorkerError, match="No adapter was asked for"):
        plain.verify_running()


def test_without_the_library_the_code_says_which_is_missing(
    base: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    assert "needs peft" in _refused("adapter-library-missing", base, adapter)
