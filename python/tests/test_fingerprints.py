"""Weights, tokenizers and templates that changed get another fingerprint; unchanged ones keep theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, ByT5Tokenizer, GenerationConfig

from falcon_exp.worker.trial.byte_tokenizer import ByteTokenizer
from falcon_exp.worker.trial.fingerprints import (
    fingerprint_generation,
    fingerprint_template,
    fingerprint_tokenizer,
    fingerprint_weights,
)
from tests.conftest import TINY_FALCON
from tests.models import write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "one", TINY_FALCON)


def changed(folder: Path, tmp_path: Path, change: object) -> Path:
    copy = tmp_path / "other"
    shutil.copytree(folder, copy)
    weights = load_file(copy / "model.safetensors")
    other = {name: change(name, tensor) for name, tensor in weights.items()}  # type: ignore[operator]
    save_file(other, copy / "model.safetensors", metadata={"format": "pt"})
    return copy / "model.safetensors"


def test_the_same_weights_have_the_same_fingerprint_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    same = changed(folder, tmp_path, lambda _name, tensor: tensor)
    shutil.copy(folder / "model.safetensors", same)
    assert fingerprint_weights([same]) == fingerprint_weights([folder / "model.safetensors"])
    assert fingerprint_weights([]) is None


def test_weights_times_one_and_a_half_have_another(folder: Path, tmp_path: Path) -> None:
    other = changed(folder, tmp_path, lambda _name, tensor: tensor * 1.5)
    assert other.stat().st_size == (folder / "model.safetensors").stat().st_size
    assert fingerprint_weights([other]) != fingerprint_weights([folder / "model.safetensors"])


def test_so_has_one_tensor_that_is_another(folder: Path, tmp_path: Path) -> None:
    last = sorted(load_file(folder / "model.safetensors"))[-1]
    other = changed(folder, tmp_path, lambda name, tensor: tensor + 1 if name == last else tensor)
    assert fingerprint_weights([other]) != fingerprint_weights([folder / "model.safetensors"])


def test_a_file_without_a_header_is_sampled_all_over(tmp_path: Path) -> None:
    file, other = tmp_path / "w.gguf", tmp_path / "x" / "w.gguf"
    other.parent.mkdir()
    data = bytearray(torch.arange(3_000_000, dtype=torch.int32).numpy().tobytes())
    file.write_bytes(data)
    data[6_000_000:6_100_000] = bytes(100_000)
    other.write_bytes(data)
    assert fingerprint_weights([file]) != fingerprint_weights([other])


def test_tokenizers_are_told_apart_by_what_they_do(folder: Path) -> None:
    one = fingerprint_tokenizer(AutoTokenizer.from_pretrained(folder))
    assert one == fingerprint_tokenizer(AutoTokenizer.from_pretrained(folder))
    assert one != fingerprint_tokenizer(AutoTokenizer.from_pretrained(folder, eos_token="<pad>"))  # noqa: S106
    assert fingerprint_tokenizer(ByteTokenizer(384)) != fingerprint_tokenizer(ByT5Tokenizer(extra_ids=3))


def test_another_template_has_another_fingerprint() -> None:
    tokenizer = ByT5Tokenizer()
    assert fingerprint_template(tokenizer) is None
    tokenizer.chat_template = "{{ messages[0]['content'] }}"
    one = fingerprint_template(tokenizer)
    tokenizer.chat_template = "{{ messages[0]['content'] }} "
    assert one != fingerprint_template(tokenizer)


def test_so_have_other_generation_settings_and_not_another_version_of_the_library() -> None:
    one = fingerprint_generation(GenerationConfig(eos_token_id=1))
    other_library = GenerationConfig(eos_token_id=1)
    other_library.transformers_version = "0"
    assert one == fingerprint_generation(other_library)
    assert one != fingerprint_generation(GenerationConfig(eos_token_id=1, repetition_penalty=1.3))
