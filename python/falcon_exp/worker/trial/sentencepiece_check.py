"""Checks whether a tokenizer that was read from a SentencePiece file alone splits text as that file does.

Transformers 5.23 goes by the class that the config names: LlamaTokenizer turns any vocabulary into merges, even that of
a unigram model, which chooses its pieces by another rule. Nothing fails, but the model reads other tokens than it was
trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: The most words in the sample, and the fewest letters per word; the words consist of letters alone.
_WORDS, _LETTERS = 200, 3
_KINDS = {1: "unigram", 2: "byte pairs", 3: "words", 4: "characters"}


def find_difference(folder: Path, tokenizer: Any) -> dict[str, Any] | None:
    """Returns ``tokenizerDifferenceSchema`` of the wire format; None if there is none, or if no such file was read."""
    file = next(iter(sorted(folder.glob("*.model"))), None)
    if file is None or (folder / "tokenizer.json").is_file():
        return None
    try:
        import sentencepiece

        own = sentencepiece.SentencePieceProcessor(model_file=str(file))
    except (ImportError, OSError, RuntimeError):
        # Another library read it.
        return None
    sample = _sample_of(own)
    expected = own.encode(sample)
    found = tokenizer(sample, add_special_tokens=False)["input_ids"]
    if found == expected:
        return None
    return {"file": file.name, "kind": _kind_of(own), "tokens": len(found), "own_tokens": len(expected)}


def _sample_of(processor: Any) -> str:
    """Returns words from its own vocabulary, whatever the language: others are split into letters by any rule."""
    pieces = (str(processor.id_to_piece(index)).lstrip("▁") for index in range(processor.get_piece_size()))
    return " ".join([piece for piece in pieces if len(piece) >= _LETTERS and piece.isalpha()][:_WORDS])


def _kind_of(processor: Any) -> str | None:
    try:
        from sentencepiece import sentencepiece_model_pb2
    except ImportError:
        return None
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(processor.serialized_model_proto())
    return _KINDS.get(int(model.trainer_spec.model_type))
