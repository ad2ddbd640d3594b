"""How much of a model's files is in the kernel's page cache: loads from there and from a disk are not comparable."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Sequence
from pathlib import Path

#: How much is mapped at a time; a multiple of the page size.
_WINDOW_BYTES = 1 << 30
_MAP_FAILED = ctypes.c_void_p(-1).value
#: mincore returns a byte per page, of which only the lowest bit has a meaning.
_LOWEST_BIT = bytes(value & 1 for value in range(256))


def page_cache_share(files: Sequence[Path]) -> float | None:
    """Returns the share of the files' pages in memory, 0 to 1; None if the system does not tell. Reads nothing."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    cached = total = 0
    try:
        for path in files:
            counted = _count_pages(libc, path)
            if counted is None:
                return None
            cached += counted[0]
            total += counted[1]
    except OSError:
        return None
    return cached / total if total > 0 else None


def _count_pages(libc: ctypes.CDLL, path: Path) -> tuple[int, int] | None:
    """Returns (pages in memory, pages), or None if the kernel does not tell.

    mincore reports every page as present to a process that neither owns a file nor may write to it.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        status = os.fstat(file)
        if status.st_uid != os.geteuid() and os.geteuid() != 0 and not os.access(path, os.W_OK):
            return None
        cached = pages = 0
        for offset in range(0, status.st_size, _WINDOW_BYTES):
            length = min(_WINDOW_BYTES, status.st_size - offset)
            address = libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, file, offset)
            if address == _MAP_FAILED:
                return None
            try:
                count = -(-length // mmap.PAGESIZE)
                states = ctypes.create_string_buffer(count)
                if libc.mincore(address, length, states) != 0:
                    return None
            finally:
                libc.munmap(address, length)
            cached += states.raw.translate(_LOWEST_BIT).count(1)
            pages += count
        return cached, pages
    finally:
        os.close(file)
