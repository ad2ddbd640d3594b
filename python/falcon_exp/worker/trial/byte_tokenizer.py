"""The tokenizer of models that were never trained: an id a byte, and something to show for every id of an answer."""

from __future__ import annotations

from transformers import ByT5Tokenizer


class ByteTokenizer(ByT5Tokenizer):  # type: ignore[misc]
    """ByT5's, for vocabularies of any size: a byte's id is its value and three; ``<pad>`` is 0 and ``</s>`` is 1.

    A model with random weights answers any id of its vocabulary: those from 384 on are shown as their number,
    ``<40000>``, where ByT5's own decoding raises. Made here and not read back from a folder, because AutoTokenizer
    would put the tokenizer of the model's family in its place.
    """

    def _convert_id_to_token(self, index: int) -> str:
        if index < self.offset + self._utf_vocab_size:
            return str(super()._convert_id_to_token(index))
        return f"<{index}>"

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text of tokens; bytes that are no character are left out."""
        parts = [token.encode("utf-8") if len(token) > 1 else bytes([ord(token)]) for token in tokens]
        return b"".join(parts).decode("utf-8", errors="ignore")
