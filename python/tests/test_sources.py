"""Models drawn from a seed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.sources import random_model
from tests.conftest import TINY_FALCON


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
