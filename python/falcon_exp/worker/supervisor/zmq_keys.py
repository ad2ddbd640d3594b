"""The keys for a channel that others could reach: CURVE encrypts it and lets each side prove who it is."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

_KEY_CHARACTERS = 40
#: Enough for three keys of 40 characters and their names.
_LONGEST_LINE_BYTES = 1024


@dataclass(frozen=True)
class CurveKeys:
    """As ZeroMQ writes keys: 40 printable characters each."""

    #: The controller proves that it holds the secret half.
    server_public_key: bytes
    public_key: bytes
    secret_key: bytes


def read_keys(descriptor: int) -> CurveKeys:
    """Reads only the first line of the worker's stdin; the rest stays there. Raises ValueError if it holds no keys."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte or len(line) > _LONGEST_LINE_BYTES:
            raise ValueError("no keys came on stdin")
        line += byte
    try:
        given = json.loads(line)
        keys = {name: given[name].encode("ascii") for name in ("server_public_key", "public_key", "secret_key")}
        if any(len(key) != _KEY_CHARACTERS for key in keys.values()):
            raise ValueError("a key of another length")
    except (ValueError, KeyError, TypeError, AttributeError):
        # The error leaves out the text, which may hold a secret.
        raise ValueError("what came on stdin are no keys") from None
    return CurveKeys(**keys)
