"""Texts that end an answer, searched for as each token comes.

Transformers' own ``stop_strings`` is not used: its criterion first compares the whole vocabulary with every text, which
takes seconds in the first answer, and reads the vocabulary in ways that not every tokenizer allows.

    StopStrings(tokenizer, ["END"]).find_end([7, 3, 9])  # 2: the second token completes it; None if none does
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: A token gives at least one byte of text, except for special tokens and those of a character that is not whole yet.
_FURTHER_TOKENS = 8


class StopStrings:
    """The texts that end an answer of one ``generate``; only new tokens are searched."""

    def __init__(self, tokenizer: Any, texts: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._texts = tuple(texts)
        #: How many of an answer's last tokens may hold a text.
        self.tokens = max(len(text.encode()) for text in texts) + _FURTHER_TOKENS

    def are_in(self, ids: Sequence[int]) -> bool:
        """Whether these tokens hold one of the texts."""
        said = self._tokenizer.decode(ids, skip_special_tokens=True)
        return any(text in said for text in self._texts)

    def find_end(self, ids: Sequence[int]) -> int | None:
        """Returns the number of tokens up to and including the one that completes a text; None if none does."""
        ends = range(1, len(ids) + 1)
        return next((end for end in ends if self.are_in(ids[max(0, end - self.tokens) : end])), None)
