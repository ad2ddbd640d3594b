"""The tokenizer of models that were never trained: an id a byte, and something to show for every id of an answer."""

from __future__ import annotations

from transformers import ByT5Tokenizer

#: ``<pad>``, ``</s>`` and ``<unk>``, the bytes, and ByT5's own extra ids.
_SPECIAL, _BYTES, _EXTRA = 3, 256, 125


class ByteTokenizer(ByT5Tokenizer):  # type: ignore[misc]
    """ByT5's, for vocabularies of any size: a byte's id is its value and three; ``<pad>`` is 0 and ``</s>`` is 1.

    A model with random weights answers any id of its vocabulary: those beyond the bytes are shown as their number,
    ``<40000>``, where ByT5's own decoding raises. In a vocabulary too small for all bytes, the higher ones share ids
    with the lower. Made here and not read back from a folder, because AutoTokenizer would put the tokenizer of the
    model's family in its place.
    """

    def __init__(self, vocabulary: int = _SPECIAL + _BYTES + _EXTRA) -> None:
        super().__init__(extra_ids=_EXTRA if vocabulary >= _SPECIAL + _BYTES + _EXTRA else 0)
        self._bytes = max(1, min(_BYTES, vocabulary - _SPECIAL))

    def _convert_token_to_id(self, token: str) -> int:
        index = int(super()._convert_token_to_id(token))
        is_byte = _SPECIAL <= index < _SPECIAL + _BYTES
        return _SPECIAL + (index - _SPECIAL) % self._bytes if is_byte else index

    def _convert_id_to_token(self, index: int) -> str:
        if index < self.offset + self._utf_vocab_size:
            return str(super()._convert_id_to_token(index))
        return f"<{index}>"

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text of tokens; bytes that are no character are left out."""
        parts = [token.encode("utf-8") if len(token) > 1 else bytes([ord(token)]) for token in tokens]
        return b"".join(parts).decode("utf-8", errors="ignore")
