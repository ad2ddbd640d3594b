"""A line of ``records.jsonl`` and its checksum, as src/run/checksummed-line.ts writes it.

The record's JSON has ``,"crc32":"xxxxxxxx"`` before its last brace: the CRC-32 of the bytes of the JSON without it.
"""

from __future__ import annotations

import re
import zlib

_SEAL = re.compile(rb',"crc32":"([0-9a-f]{8})"\}\Z')
#: Inside a JSON string the quotes would be escaped, so this matches nothing but a checksum.
_ANY_SEAL = re.compile(rb',"crc32":"[0-9a-f]{8}"\}')


def open_line(line: bytes) -> bytes | None:
    """The JSON that was written; None if the checksum does not match. A line without a checksum stays as it is."""
    seal = _SEAL.search(line)
    if seal is None:
        return line
    json = line[: seal.start()] + b"}"
    return json if b"%08x" % zlib.crc32(json) == seal.group(1) else None


def split_at_seals(line: bytes) -> list[bytes]:
    """Splits lines that became one because a line's end was damaged; the byte that was the line's end is dropped."""
    pieces = []
    start = 0
    for seal in _ANY_SEAL.finditer(line):
        pieces.append(line[start : seal.end()])
        start = seal.end() + 1
    if start < len(line):
        pieces.append(line[start:])
    return pieces


def is_single(line: bytes) -> bool:
    """Whether the line contains at most one checksum."""
    return len(_ANY_SEAL.findall(line)) <= 1
