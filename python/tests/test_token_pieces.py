"""Pieces of answers, with a decoder for which every byte is a token, and with a real tokenizer."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from falcon_exp.worker.trial.token_pieces import token_pieces


def bytes_decoder(ids: Sequence[int]) -> str:
    return bytes(ids).decode("utf-8", errors="replace")


@given(st.text(st.characters(codec="utf-8", exclude_characters="�")))
def test_the_pieces_of_any_text_put_together_are_the_text(text: str) -> None:
    ids = list(text.encode("utf-8"))
    pieces = token_pieces(bytes_decoder, ids)
    assert "".join(pieces) == text
    assert len(pieces) == len(ids)


def test_a_character_of_several_tokens_belongs_to_the_last_of_them() -> None:
    assert token_pieces(bytes_decoder, list("a🦅b".encode())) == ["a", "", "", "", "🦅", "b"]


def test_bytes_that_are_no_character_are_told_and_hold_nothing_up() -> None:
    ids = [0xFF] * 40 + list(b"end")
    pieces = token_pieces(bytes_decoder, ids)
    assert "".join(pieces).endswith("end")
    assert pieces[-3:] == ["e", "n", "d"]


def test_no_decoding_sees_more_than_a_few_tokens() -> None:
    seen: list[int] = []

    def decode(ids: Sequence[int]) -> str:
        seen.append(len(ids))
        return bytes_decoder(ids)

    token_pieces(decode, [0xFF, 0x41] * 2_000)
    assert max(seen) <= 16
    assert len(seen) == 8_000


def test_a_real_tokenizer_gives_words_with_their_spaces_and_nothing_for_special_tokens() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(os.environ["FALCON_EXP_TEST_MODEL"])
    text = "Grüße aus Köln, 你好! 🦅 done."
    ids = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]

    def decode(some: Sequence[int]) -> str:
        return str(tokenizer.decode(some, skip_special_tokens=True))

    pieces = token_pieces(decode, ids)
    assert "".join(pieces) == text
    assert pieces[-1] == ""
    assert " done" in pieces
