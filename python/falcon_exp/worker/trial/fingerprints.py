"""Fingerprints of a model's parts: changed weights, tokenizers or templates must not pass as the same ones."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: Read from the middle of each tensor, or at even distances in files without a header that lists their tensors.
_BLOCK_BYTES = 4096
#: The most blocks read per file: a mixture of experts has tens of thousands of tensors.
_MOST_BLOCKS = 4096
_BLOCKS_WITHOUT_HEADER = 512
#: The limit of the safetensors format itself.
_LONGEST_HEADER_BYTES = 100_000_000


def fingerprint_weights(files: Iterable[Path]) -> str | None:
    """Hashes names, sizes, headers and a block of every tensor; None without files. Reads a few MB, not all weights.

    A change to single numbers between the blocks goes unnoticed; changed tensors, dtypes and scales do not.
    """
    digest = hashlib.sha256()
    paths = sorted(files)
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb", buffering=0) as file:
            header, places = _read_header(file, size) if path.suffix == ".safetensors" else (b"", [])
            digest.update(header)
            for place in _thin(places or _spread(size)):
                digest.update(os.pread(file.fileno(), _BLOCK_BYTES, place))
    return digest.hexdigest() if paths else None


def _read_header(file: Any, size: int) -> tuple[bytes, list[int]]:
    """Returns the header and the places of the tensors' middle blocks; refusing bad headers is left to the loader."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(size, _LONGEST_HEADER_BYTES):
        return b"", []
    header = file.read(length)
    try:
        tensors = json.loads(header)
        ends = [entry["data_offsets"] for name, entry in tensors.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return header, []
    return header, [8 + length + max(start, (start + end - _BLOCK_BYTES) // 2) for start, end in sorted(ends)]


def _spread(size: int) -> list[int]:
    step = max(_BLOCK_BYTES, size // _BLOCKS_WITHOUT_HEADER)
    return list(range(0, size, step))


def _thin(places: list[int]) -> list[int]:
    return places[:: -(-len(places) // _MOST_BLOCKS)] if places else []


def fingerprint_tokenizer(tokenizer: Any) -> str:
    """Hashes the rules and the vocabulary of the tokenizer as it was loaded: two folders may hold the same one."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    has_rules = backend is not None and hasattr(backend, "to_str")
    rules = backend.to_str() if backend is not None and has_rules else json.dumps(sorted(tokenizer.get_vocab().items()))
    special = json.dumps(tokenizer.special_tokens_map, sort_keys=True, default=str)
    return _sha256("\0".join((type(tokenizer).__name__, rules, special)))


def fingerprint_template(tokenizer: Any) -> str | None:
    """Hashes the chat template; None if there is none."""
    template = tokenizer.chat_template
    if template is None:
        return None
    return _sha256(template if isinstance(template, str) else json.dumps(template, sort_keys=True))


def fingerprint_generation(settings: Any) -> str:
    """Hashes the generation settings that come with the model, as its files have them."""
    brought = {
        name: value
        for name, value in settings.to_dict().items()
        if value is not None and name != "transformers_version" and not name.startswith("_")
    }
    return _sha256(json.dumps(brought, sort_keys=True, default=str))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
