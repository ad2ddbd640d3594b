"""Where models come from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassFieldValidationError

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError, classify
from falcon_exp.worker.model_shape import config_of
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.sources import ModelFolder, RandomModel
from scripts.families import list_families
from tests.conftest import TINY_FALCON, configuration
from tests.models import write_model


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": {**TINY_FALCON, "model_type": "no-such"}}, "does not know model_type no-such"),
        ({"config": {**TINY_FALCON, "hidden_size": "wide"}}, "hidden_size"),
        ({"tokenizer": "/no/such/folder"}, "/no/such/folder"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    model = {"source": "random", "config": dict(TINY_FALCON), "seed": 7, "tokenizer": "bytes", **changes}
    with pytest.raises((WorkerError, StrictDataclassFieldValidationError), match=words):
        load(configuration(model=model), Devices.open())


def test_a_vocabulary_smaller_than_the_tokenizers_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", TINY_FALCON)
    with pytest.raises(WorkerError, match="vocab_size 100"):
        RandomModel({**TINY_FALCON, "vocab_size": 100}, 7, str(folder)).config()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "t5"}, "t5 is an encoder–decoder"),
        ({"model_type": "bart"}, "bart is an encoder–decoder"),
        ({"model_type": "bert"}, "bert is an encoder"),
        (
            {"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]},
            "LlamaForSequenceClassification classifies text",
        ),
        ({"model_type": "clip"}, "clip has no class"),
    ],
)
def test_a_model_that_does_not_go_on_with_a_text_is_refused_by_name(
    tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    with pytest.raises(WorkerError, match=words) as raised:
        RandomModel(config, 7, "bytes").config()
    assert raised.value.code == "model-kind-unsupported"
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(WorkerError, match=words):
        ModelFolder(tmp_path, trust_remote_code=False).config()


def test_a_model_that_takes_pictures_answers_a_text_without_any() -> None:
    model = {"source": "random", "config": list_families()["llava"], "seed": 7, "tokenizer": "bytes"}
    loaded = load(configuration("int8", model=model), Devices.open())
    assert loaded.measurement["proof"]["model_class"] == "LlavaForConditionalGeneration"
    ids = torch.arange(3, 40).unsqueeze(0)
    with torch.inference_mode():
        assert loaded.model.generate(ids, max_new_tokens=2, min_new_tokens=2).shape == (1, 39)


@pytest.fixture
def unread(whole: Path, tmp_path: Path) -> ModelFolder:
    """A folder whose tokenizer.model is not a SentencePiece file."""
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    (folder / "tokenizer.model").write_bytes(b"no model, but there")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}), "utf-8")
    return ModelFolder(folder, trust_remote_code=False)


def test_a_tokenizer_that_only_an_absent_library_reads_is_told_as_that(
    unread: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("falcon_exp.worker.trial.sources.find_spec", lambda _name: None)
    with pytest.raises((ImportError, ValueError), match=r"sentencepiece|tiktoken|protobuf") as raised:
        unread.tokenizer()
    assert classify(raised.value, "load")[0] == "tokenizer-library-missing"


def test_a_tokenizer_that_sentencepiece_does_not_read_is_told_as_damaged_or_tiktokens(unread: ModelFolder) -> None:
    with pytest.raises(WorkerError, match=r"damaged, or tiktoken's") as raised:
        unread.tokenizer()
    assert raised.value.code == "tokenizer-library-missing"
    assert "Download or copy" in str(raised.value.next_step)


def test_special_tokens_are_the_tokenizers_where_the_config_names_none() -> None:
    given = {key: value for key, value in TINY_FALCON.items() if key != "eos_token_id"}
    config = RandomModel({**given, "bos_token_id": 9}, 7, "bytes").config()
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (9, 1, 0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_without_a_dtype_in_the_config_a_model_is_loaded_as_its_files_are(tmp_path: Path, dtype: torch.dtype) -> None:
    folder = write_model(tmp_path / "model", TINY_FALCON, dtype=dtype)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    del config["dtype"]
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    source = {"source": "path", "path": str(folder)}
    loaded = load(configuration(model=source, dtype="auto"), Devices.open())
    name = str(dtype).removeprefix("torch.")
    assert loaded.measurement["proof"]["dtype"] == name
    assert config_of(source, trust_remote_code=False)[0].dtype == dtype
    assert loaded.measurement["model_shape"]["dtype"] == name


def test_a_model_in_several_files_is_the_model_in_one(tmp_path: Path) -> None:
    whole = write_model(tmp_path / "whole", TINY_FALCON, dtype=torch.bfloat16)
    sharded = write_model(tmp_path / "sharded", TINY_FALCON, dtype=torch.bfloat16, max_shard_size="200KB")
    assert len(list(sharded.glob("model-*-of-*.safetensors"))) > 1
    loaded = [
        load(configuration("fp4", model={"source": "path", "path": str(one)}), Devices.open())
        for one in (whole, sharded)
    ]
    one, several = (dict(each.model.named_parameters()) for each in loaded)
    assert one.keys() == several.keys()
    assert all(torch.equal(one[name], several[name]) for name in one)


def test_a_config_that_names_another_dtype_than_the_files_hold_wins_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_model(tmp_path / "model", TINY_FALCON, dtype=torch.float32)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}), "utf-8")
    model = {"source": "path", "path": str(folder)}
    loaded = load(configuration(model=model, dtype="auto"), Devices.open())
    assert loaded.measurement["proof"]["dtype"] == "bfloat16"
    assert "the weight files are in float32, but the config says bfloat16" in caplog.text
