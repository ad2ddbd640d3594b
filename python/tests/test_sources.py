"""Where models come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassFieldValidationError

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.model_shape import config_of
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.sources import RandomModel
from tests.conftest import TINY_FALCON, configuration
from tests.models import write_model


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": {**TINY_FALCON, "vocab_size": 100}}, "vocab_size 100"),
        ({"config": {**TINY_FALCON, "model_type": "no-such"}}, "refused"),
        ({"config": {**TINY_FALCON, "hidden_size": "wide"}}, "hidden_size"),
        ({"tokenizer": "/no/such/folder"}, "/no/such/folder"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    model = {"source": "random", "config": dict(TINY_FALCON), "seed": 7, "tokenizer": "bytes", **changes}
    with pytest.raises((WorkerError, StrictDataclassFieldValidationError), match=words):
        load(configuration(model=model), Devices.open())


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


def test_a_config_that_names_another_dtype_than_the_files_hold_wins_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_model(tmp_path / "model", TINY_FALCON, dtype=torch.float32)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}), "utf-8")
    model = {"source": "path", "path": str(folder)}
    loaded = load(configuration(model=model, dtype="auto"), Devices.open())
    assert loaded.measurement["proof"]["dtype"] == "bfloat16"
    assert "the weight files hold float32, but the config names bfloat16" in caplog.text
