"""Text to byte ids, and ids back to text."""

from __future__ import annotations

import pytest
from transformers import ByT5Tokenizer

from falcon_exp.worker.trial.byte_tokenizer import ByteTokenizer


@pytest.mark.parametrize("text", ["Grüße 🦅", "</s><pad>", "a\0b", "a<extra_id_3>b", " "])
def test_text_is_read_and_shown_as_byt5_does(text: str) -> None:
    ours, theirs = ByteTokenizer(), ByT5Tokenizer()
    ids = ours(text)["input_ids"]
    assert ids == theirs(text)["input_ids"]
    assert ours.decode(ids) == theirs.decode(ids)
    assert ours.decode(ids, skip_special_tokens=True) == theirs.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("vocabulary", [4, 100, 259, 300, 384, 65024])
def test_every_byte_has_an_id_of_the_vocabulary(vocabulary: int) -> None:
    ids = ByteTokenizer(vocabulary)("".join(map(chr, range(256))))["input_ids"]
    assert max(ids) < vocabulary
    assert min(ids) >= 0


def test_ids_beyond_the_bytes_are_shown_as_their_number() -> None:
    tokenizer = ByteTokenizer()
    assert tokenizer.decode([100, 384, 101, 65023]) == "a<384>b<65023>"
    assert tokenizer.decode([384], skip_special_tokens=True) == "<384>"
    with pytest.raises(ValueError, match="range"):
        ByT5Tokenizer().decode([384])
