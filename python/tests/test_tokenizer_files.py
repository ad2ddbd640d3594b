"""Tokenizers that are read from the files they come in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import sentencepiece
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.sources import ModelFolder
from tests.conftest import configuration
from tests.models import write_model
from tests.proof.tiny_models import tiny_model

_SENTENCES = ["Name a bird.", "A falcon is a bird of prey.", "The owl hunts at night, and so does the nightjar."] * 20


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("llama"), tiny_model("llama")["config"], dtype=torch.bfloat16)


def write_sentencepiece_alone(llama: Path, folder: Path, kind: str) -> Path:
    """Writes a model folder whose tokenizer is only a SentencePiece file of this kind, for LlamaTokenizer."""
    shutil.copytree(llama, folder)
    for name in ("tokenizer.json", "added_tokens.json", "special_tokens_map.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=340,
        model_type=kind,
        byte_fallback=True,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}), "utf-8")
    return folder


def test_a_tokenizer_that_is_a_sentencepiece_file_alone_is_read(llama: Path, tmp_path: Path) -> None:
    folder = write_sentencepiece_alone(llama, tmp_path / "model", "bpe")
    source = ModelFolder(folder, trust_remote_code=False)
    tokenizer = source.tokenizer()
    own = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    text = "A night owl."
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids == own.encode(text)
    assert tokenizer.decode(ids) == text
    assert source.tokenizer_difference(tokenizer) is None


def test_a_sentencepiece_file_that_the_library_reads_by_another_rule_is_told(llama: Path, tmp_path: Path) -> None:
    folder = write_sentencepiece_alone(llama, tmp_path / "model", "unigram")
    told = load(configuration(model={"source": "path", "path": str(folder)}), Devices.open()).measurement
    difference = told["tokenizer_difference"]
    assert (difference["file"], difference["kind"]) == ("tokenizer.model", "unigram")
    assert difference["tokens"] > 0
    assert difference["own_tokens"] > 0
