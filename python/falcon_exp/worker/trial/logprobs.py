"""The reference's log-probabilities on disk, in 16-bit steps, so that comparisons need not load the reference again.

One folder per text: ``codes.npy`` (uint16, positions x vocabulary) and ``rows.npz`` (each row's lowest value, step and
most likely token, and the hash of the ids that were fed). A value is ``low + code * step``; 65,535 steps cover the
row's own range, so the largest error is half a step. Rows are normalized again when they are read.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from falcon_exp.worker.failures import WorkerError

_STEPS = 65_535
#: Subtracted from codes, which go to the device and back as int16 because every device has that type.
_CODE_OFFSET = 32_768
#: Left free on the disk, because records would be lost on a full one.
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class Stored:
    """What was written."""

    bytes: int
    positions: int
    vocabulary: int
    largest_error_nats: float


class LogprobsWriter:
    """Writes rows as they come, so that a long text is never in memory as a whole."""

    def __init__(self, folder: Path, positions: int, vocabulary: int) -> None:
        """Raises WorkerError ``quality-disk-full`` if the folder's disk has no room."""
        needed = positions * vocabulary * 2
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < needed + _SPARE_BYTES:
            raise WorkerError(
                "quality-disk-full",
                f"The reference's log-probabilities take {needed / 1e9:.2f} GB; {folder} has {free / 1e9:.2f} GB free.",
            )
        self._folder = folder
        self._codes: Any = np.lib.format.open_memmap(
            folder / "codes.npy", mode="w+", dtype=np.uint16, shape=(positions, vocabulary)
        )
        self._low: Any = np.zeros(positions, dtype=np.float64)
        self._step: Any = np.zeros(positions, dtype=np.float64)
        self._top1: Any = np.zeros(positions, dtype=np.int64)
        self._next = 0

    def add(self, logprobs: torch.Tensor) -> None:
        """Adds rows of log-probabilities, rows x vocabulary, float64 (float32 on a device without it)."""
        rows = slice(self._next, self._next + logprobs.shape[0])
        low = logprobs.min(dim=-1).values
        step = (logprobs.max(dim=-1).values - low).clamp_min(1e-12) / _STEPS
        codes = (logprobs - low[:, None]).div_(step[:, None]).round_().sub_(_CODE_OFFSET).to(torch.int16)
        self._codes[rows] = _signed_to_codes(codes.cpu().numpy())
        self._low[rows] = low.cpu().numpy()
        self._step[rows] = step.cpu().numpy()
        self._top1[rows] = logprobs.argmax(dim=-1).cpu().numpy()
        self._next = rows.stop

    def close(self, token_ids_sha256: str) -> Stored:
        """Makes the rows readable, even after a power cut; without this call they count as missing."""
        self._codes.flush()
        positions, vocabulary = self._codes.shape
        rows = self._folder / "rows.npz"
        np.savez(rows, low=self._low, step=self._step, top1=self._top1, token_ids_sha256=token_ids_sha256)
        _sync(self._folder / "codes.npy", rows)
        size = rows.stat().st_size + (self._folder / "codes.npy").stat().st_size
        return Stored(size, positions, vocabulary, float(self._step.max()) / 2)


def _codes_to_signed(codes: Any) -> Any:
    """Subtracts ``_CODE_OFFSET`` and converts uint16 to int16, by flipping the highest bit."""
    return np.bitwise_xor(codes, np.uint16(_CODE_OFFSET)).view(np.int16)


def _signed_to_codes(signed: Any) -> Any:
    return np.bitwise_xor(signed.view(np.uint16), np.uint16(_CODE_OFFSET))


def _sync(*paths: Path) -> None:
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())


class LogprobsReader:
    """Reads the rows that a ``LogprobsWriter`` wrote."""

    def __init__(self, folder: Path) -> None:
        """Raises FileNotFoundError if the reference was not measured, or not to its end."""
        with np.load(folder / "rows.npz", allow_pickle=False) as rows:
            self._low, self._step, self._top1 = rows["low"], rows["step"], rows["top1"]
            self.token_ids_sha256 = str(rows["token_ids_sha256"])
        self._codes = np.load(folder / "codes.npy", mmap_mode="r", allow_pickle=False)

    @property
    def vocabulary(self) -> int:
        """The number of entries in a row."""
        return int(self._codes.shape[1])

    def rows(
        self, start: int, count: int, like: torch.Tensor, columns: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns (log-probabilities, most likely tokens) of rows ``start`` to ``start + count``.

        They are on the device of ``like`` and in its dtype. With ``columns``, only that many entries from the first are
        used, as if there were no others. Each entry goes to the device as 2 bytes; the values are computed there, and
        two copies of them exist at once.
        """
        rows = slice(start, start + count)
        codes = torch.from_numpy(_codes_to_signed(self._codes[rows, :columns])).to(like.device)
        # Converted to the dtype first, because a device may not have float64.
        low, step = (
            torch.from_numpy(part[rows, None]).to(like.dtype).to(like.device) for part in (self._low, self._step)
        )
        logprobs = codes.to(like.dtype).add_(_CODE_OFFSET).mul_(step).add_(low)
        del codes
        top1 = torch.from_numpy(self._top1[rows]).to(like.device)
        if columns is not None and columns < self.vocabulary:
            top1 = torch.where(top1 < columns, top1, logprobs.argmax(dim=-1))
        return torch.log_softmax(logprobs, dim=-1), top1
