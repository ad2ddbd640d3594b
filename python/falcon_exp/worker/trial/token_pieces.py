"""The text that each new token adds, so that answers can be compared token by token.

A token alone has no text: a character may need several tokens, and a tokenizer may put a space only between words. So
each piece is what a token adds to the decoding of those just before it. Knows nothing about models or measurements.

    token_pieces(decode, [12, 7]) == ["Grü", "ße"]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: What decoders put in place of bytes that do not form a character (yet).
_REPLACEMENT = "�"
#: No character needs more tokens; if more stay undecodable, they do not form a character at all.
_LONGEST_CHARACTER = 8


def token_pieces(decode: Callable[[Sequence[int]], str], ids: Sequence[int]) -> list[str]:
    """Returns one text per token, empty if a character needs more tokens. Linear time: each decoding sees few tokens.

    The pieces put together are ``decode(ids)``, unless a decoding depends on tokens further away.
    """
    pieces: list[str] = []
    before = 0  # where the decoding starts: these tokens are the context of what follows
    told = 0  # the text of the tokens before this one is in pieces
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
