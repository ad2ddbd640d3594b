"""The tokenizer of models that were never trained: one id per byte, and something to show for every id of an answer."""

from __future__ import annotations

from transformers import ByT5Tokenizer

#: The numbers of special tokens (``<pad>``, ``</s>`` and ``<unk>``), of bytes, and of ByT5's own extra ids.
_SPECIAL, _BYTES, _EXTRA = 3, 256, 125


class ByteTokenizer(ByT5Tokenizer):  # type: ignore[misc]
    """ByT5's tokenizer for vocabularies of any size: a byte's id is its value plus 3; ``<pad>`` is 0, ``</s>`` is 1.

    A model with random weights may answer with any id of its vocabulary. Ids beyond the bytes are shown as their
    number, ``<40000>``; ByT5's own decoding would raise an error. If a vocabulary is too small for all bytes, higher
    bytes share ids with lower ones. The tokenizer is made here and not read from a folder because AutoTokenizer would
    replace it with the tokenizer of the model's family.
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
        """Returns the text of the tokens; bytes that do not form a character are left out."""
        parts = [token.encode("utf-8") if len(token) > 1 else bytes([ord(token)]) for token in tokens]
        return b"".join(parts).decode("utf-8", errors="ignore")
