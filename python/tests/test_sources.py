"""Models drawn from a seed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.model_shape import config_of
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.sources import random_model
from tests.conftest import TINY_FALCON, configuration
from tests.models import write_model


def recipe(**changes: Any) -> dict[str, Any]:
    return {"config": dict(TINY_FALCON), "seed": 7, "tokenizer": "bytes", **changes}


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tmp_path: Path) -> None:
    first = random_model(recipe(), tmp_path / "a")
    again = random_model(recipe(), tmp_path / "b")
    other = random_model(recipe(seed=8), tmp_path / "a")
    assert digest(first) == digest(again) != digest(other)


def test_a_model_is_made_once(tmp_path: Path) -> None:
    first = random_model(recipe(), tmp_path)
    stamp = (first / "model.safetensors").stat().st_mtime_ns
    assert random_model(recipe(), tmp_path) == first
    assert (first / "model.safetensors").stat().st_mtime_ns == stamp
    assert [path for path in first.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": {**TINY_FALCON, "vocab_size": 100}}, "vocab_size 100"),
        ({"config": {**TINY_FALCON, "model_type": "no-such"}}, "refused"),
        ({"tokenizer": "/no/such/folder"}, "/no/such/folder"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(WorkerError, match=words):
        random_model(recipe(**changes), tmp_path)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_without_a_dtype_in_the_config_a_model_is_loaded_as_its_files_are(tmp_path: Path, dtype: torch.dtype) -> None:
    folder = write_model(tmp_path / "model", TINY_FALCON, dtype=dtype)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    del config["dtype"]
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    source = {"source": "path", "path": str(folder)}
    loaded = load(configuration(model=source, dtype="auto"), tmp_path, Devices.open())
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
    loaded = load(configuration(model=model, dtype="auto"), tmp_path, Devices.open())
    assert loaded.measurement["proof"]["dtype"] == "bfloat16"
    assert "the weight files hold float32, but the config names bfloat16" in caplog.text
