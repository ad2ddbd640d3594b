"""The text that each new token adds, so that answers can be compared token by token.

A token alone has no text: a character may need several, and a tokenizer may set a space only between words. So each
piece is what a token adds to the decoding of those just before it. Knows nothing of models or measurements.

    token_pieces(decode, [12, 7]) == ["Grü", "ße"]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: What decoders put in place of bytes that are no character (yet).
_REPLACEMENT = "�"
#: No character needs more tokens; where more stay undecodable, they are no character at all.
_LONGEST_CHARACTER = 8


def token_pieces(decode: Callable[[Sequence[int]], str], ids: Sequence[int]) -> list[str]:
    """One text a token; empty where a character needs further tokens. In linear time: each decoding sees few tokens.

    The pieces put together are ``decode(ids)``, save where a decoding depends on tokens further away.
    """
    pieces: list[str] = []
    before = 0  # where the decoding starts: tokens that give what follows its context
    told = 0  # tokens before this one are told
    for end in range(1, len(ids) + 1):
        known = decode(ids[before:told])
        text = decode(ids[before:end])
        is_last = end == len(ids)
        is_whole = not text.endswith(_REPLACEMENT) or end - told >= _LONGEST_CHARACTER
        if is_whole or is_last:
            pieces.append(text[len(known) :])
            before, told = told, end
        else:
            pieces.append("")
    return pieces
