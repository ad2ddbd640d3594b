"""Models that are prepared from files once: merged adapters and expanded GGUF files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from falcon_exp.worker.describe_models import describe
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.loading import Loaded, load
from tests.conftest import configuration
from tests.models import write_adapter, write_model
from tests.preloaded import preloaded_helpers  # noqa: F401
from tests.proof.tiny_models import tiny_model


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCON_EXP_HOME", str(tmp_path_factory.getbasetemp() / "prepared-home"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base"), tiny_model("llama")["config"], dtype=torch.bfloat16)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    return write_adapter(folder, base, rank=4, target_modules=["q_proj", "v_proj"], modules_to_save=["lm_head"])


def _load(model: dict[str, Any], quantization: str = "none") -> Loaded:
    return load(configuration(quantization, model=model, dtype="auto"), Devices.open())


def _merged(base: Path, adapter: Path) -> dict[str, Any]:
    return {"source": "adapted", "base": _at(base), "adapter": str(adapter), "merged": True}


def _at(path: Path) -> dict[str, Any]:
    return {"source": "path", "path": str(path)}


def _as_load(model: dict[str, Any]) -> dict[str, Any]:
    return {"model": model, "quantization": {"method": "none"}, "device": "cpu", "workarounds": "auto"}


def _logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.arange(3, 20).unsqueeze(0)).logits.float()
    return logits


def test_a_merged_adapter_is_part_of_the_weights_before_anything_is_quantized(base: Path, adapter: Path) -> None:
    from peft import PeftModel

    expected = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype="auto"), adapter)
    merged = dict(expected.merge_and_unload().named_parameters())
    plain = _load(_merged(base, adapter))
    found = dict(plain.model.named_parameters())
    assert found.keys() == merged.keys()
    assert all(torch.equal(found[name], merged[name].to(torch.bfloat16)) for name in merged)
    assert not torch.equal(_logits(plain.model), _logits(_load(_at(base)).model))
    assert plain.measurement["prepared_from"] == [
        {"kind": "merged-adapter", "type": "LORA", "modules": 4, "changed_modules": 4}
    ]
    packed = _load(_merged(base, adapter), "nf4-double")
    assert packed.measurement["proof"]["adapter"] is None
    assert packed.measurement["proof"]["quantized_linear_layers"] == 14
    bare = _load(_at(base), "nf4-double").measurement["proof"]
    assert packed.measurement["proof"]["weights_bytes"] == bare["weights_bytes"]


@pytest.mark.usefixtures("preloaded_helpers")
def test_what_was_merged_once_is_taken_as_it_is_until_a_file_changes(base: Path, adapter: Path, tmp_path: Path) -> None:
    own = tmp_path / "adapter"
    shutil.copytree(adapter, own)
    folders = [Path(_load(_merged(base, own)).tokenizer.name_or_path) for _ in range(2)]
    assert folders[0] == folders[1]
    config = json.loads((own / "adapter_config.json").read_text("utf-8"))
    (own / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 1}), "utf-8")
    assert Path(_load(_merged(base, own)).tokenizer.name_or_path) != folders[0]


@pytest.mark.usefixtures("preloaded_helpers")
def test_an_adapter_that_does_not_fit_is_not_merged(adapter: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other", {**tiny_model("llama")["config"], "hidden_size": 64})
    with pytest.raises(WorkerError, match="does not fit this model") as caught:
        _load(_merged(other, adapter))
    assert caught.value.code == "adapter-invalid"


def _write_gguf(file: Path, base: Path, kind: str) -> Path:
    """Writes the tiny Llama as llama.cpp's own converter would: with its names and its order of rows in q and k."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = model.config
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    tokens = [f"<0x{code:02X}>" for code in range(256)]
    tokens = ["<unk>", "<s>", "</s>", *tokens, *(f"t{i}" for i in range(config.vocab_size - 259))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(place) for place in range(len(tokens))])
    writer.add_token_types([2, 3, 3, *[6] * 256, *[1] * (len(tokens) - 259)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        ordered = tensor
        count = next((heads[one] for one in heads if one in name), None)
        if count is not None:
            rows = tensor.shape[0]
            ordered = tensor.reshape(count, 2, rows // count // 2, -1).swapaxes(1, 2).reshape(tensor.shape)
        packed_as = gguf.GGMLQuantizationType.F32 if tensor.dim() < 2 else gguf.GGMLQuantizationType[kind]
        data = gguf.quants.quantize(np.ascontiguousarray(ordered.numpy()), packed_as)
        writer.add_tensor(names.get_name(name, (".weight",)), data, raw_dtype=packed_as)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.mark.parametrize("is_named", [True, False], ids=["file", "folder"])
def test_a_gguf_file_is_expanded_once_and_that_is_told(
    base: Path, tmp_path: Path, is_named: bool, request: pytest.FixtureRequest
) -> None:
    # The helper is the same for both, so only one of them starts a real one.
    if not is_named:
        request.getfixturevalue("preloaded_helpers")
    file = _write_gguf(tmp_path / "tiny.Q4_0.gguf", base, "Q4_0")
    loaded = _load(_at(file if is_named else tmp_path))
    (told,) = loaded.measurement["prepared_from"]
    assert told["kind"] == "gguf"
    assert (told["dtype"], told["file_bytes"]) == ("bfloat16", file.stat().st_size)
    assert list(told["weights_by_type"]) == ["F32", "Q4_0"]
    assert loaded.measurement["proof"]["dtype"] == "bfloat16"
    assert loaded.measurement["proof"]["matrix_weights_quantized_share"] == 0


@pytest.mark.usefixtures("preloaded_helpers")
def test_what_a_gguf_file_does_not_pack_is_what_the_model_was(base: Path, tmp_path: Path) -> None:
    loaded = _load(_at(_write_gguf(tmp_path / "tiny.F32.gguf", base, "F32")))
    assert loaded.measurement["proof"]["dtype"] == "float32"
    original = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    assert torch.allclose(_logits(loaded.model), _logits(original), atol=1e-4)


@pytest.mark.usefixtures("preloaded_helpers")
def test_a_gguf_file_is_quantized_as_any_model_and_estimated_before(base: Path, tmp_path: Path) -> None:
    file = _write_gguf(tmp_path / "tiny.Q8_0.gguf", base, "Q8_0")
    shape = describe(_as_load(_at(file)), trust_remote_code=False)["shape"]
    assert (shape["dtype"], shape["expanded_from"]) == ("bfloat16", ["Q8_0", "F32"])
    proof = _load(_at(file), "nf4-double").measurement["proof"]
    assert proof["quantized_linear_layers"] == 14
    assert shape["parameters"] == proof["parameters"]


@pytest.mark.usefixtures("preloaded_helpers")
def test_gguf_files_that_cannot_be_read_are_refused_in_words(base: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.gguf").write_bytes(b"GGUF and no more")
    (tmp_path / "model-00001-of-00002.gguf").write_bytes(b"GGUF")
    for name, words in (
        ("damaged.gguf", "cannot be read as GGUF"),
        ("model-00001-of-00002.gguf", "several GGUF files"),
    ):
        with pytest.raises(WorkerError, match=words) as caught:
            _load(_at(tmp_path / name))
        assert caught.value.code == "gguf-unsupported"
    (tmp_path / "model-00001-of-00002.gguf").rename(tmp_path / "other.gguf")
    with pytest.raises(WorkerError, match="holds 2 GGUF files") as caught:
        _load(_at(tmp_path))
    assert caught.value.next_step == f"Name one of them: model: {tmp_path / 'damaged.gguf'}"


@pytest.mark.usefixtures("preloaded_helpers")
def test_a_gguf_file_of_a_family_that_transformers_does_not_read_is_refused_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    writer = gguf.GGUFWriter(file, "a-family-of-next-year")
    writer.add_tensor("token_embd.weight", np.zeros((4, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(WorkerError, match="a-family-of-next-year") as caught:
        _load(_at(file))
    assert caught.value.code == "gguf-unsupported"
