"""Texts that end an answer, looked for as each token comes.

Not Transformers' own ``stop_strings``: its criterion compares the whole vocabulary with every text first, which takes
seconds of the first answer, and reads the vocabulary in ways that not every tokenizer allows.

    StopStrings(tokenizer, ["END"]).find_end([7, 3, 9])  # 2: the second token completes it; None where none does
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: A token gives at least a byte of text, but for special ones, and a character that is not whole yet.
_FURTHER_TOKENS = 8


class StopStrings:
    """The texts of one ``generate``; of an answer they see the new tokens alone."""

    def __init__(self, tokenizer: Any, texts: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._texts = tuple(texts)
        #: As many of an answer's last tokens as may hold a text.
        self.tokens = max(len(text.encode()) for text in texts) + _FURTHER_TOKENS

    def are_in(self, ids: Sequence[int]) -> bool:
        """Whether these tokens hold one of the texts."""
        said = self._tokenizer.decode(ids, skip_special_tokens=True)
        return any(text in said for text in self._texts)

    def find_end(self, ids: Sequence[int]) -> int | None:
        """How many tokens the answer has with the one that completes a text."""
        ends = range(1, len(ids) + 1)
        return next((end for end in ends if self.are_in(ids[max(0, end - self.tokens) : end])), None)
