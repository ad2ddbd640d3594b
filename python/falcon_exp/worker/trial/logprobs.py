"""The reference's log-probabilities on disk, in 16-bit steps, so that it need not be loaded again for each comparison.

One folder a text: ``codes.npy`` (uint16, positions x vocabulary) and ``rows.npz`` (a row's lowest value and its step,
its most likely token, the hash of the ids that were fed). A row's value is ``low + code * step``; the step spreads the
row's own range over 65,535 steps, so the largest error is half of it. Read rows are normalized again.
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
#: Codes cross to the device and back as int16, which every device has: their values less this.
_CODE_OFFSET = 32_768
#: Left free on the disk: a full one would lose records.
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class Stored:
    """What was written."""

    bytes: int
    positions: int
    vocabulary: int
    largest_error_nats: float


class LogprobsWriter:
    """Writes rows as they come: a long text never stands in memory as a whole."""

    def __init__(self, folder: Path, positions: int, vocabulary: int) -> None:
        """Raises WorkerError ``quality-disk-full`` where the folder's disk has no room."""
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
        """Rows of log-probabilities, rows x vocabulary, float64 (float32 on a device without)."""
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
        """Makes the rows readable, also after a power cut; without it they count as not there."""
        self._codes.flush()
        positions, vocabulary = self._codes.shape
        rows = self._folder / "rows.npz"
        np.savez(rows, low=self._low, step=self._step, top1=self._top1, token_ids_sha256=token_ids_sha256)
        _sync(self._folder / "codes.npy", rows)
        size = rows.stat().st_size + (self._folder / "codes.npy").stat().st_size
        return Stored(size, positions, vocabulary, float(self._step.max()) / 2)


def _codes_to_signed(codes: Any) -> Any:
    """uint16 to int16, ``_CODE_OFFSET`` less: the highest bit turned over."""
    return np.bitwise_xor(codes, np.uint16(_CODE_OFFSET)).view(np.int16)


def _signed_to_codes(signed: Any) -> Any:
    return np.bitwise_xor(signed.view(np.uint16), np.uint16(_CODE_OFFSET))


def _sync(*paths: Path) -> None:
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())


class LogprobsReader:
    """Reads rows of ``LogprobsWriter``."""

    def __init__(self, folder: Path) -> None:
        """Raises FileNotFoundError where the reference was not measured, or not to its end."""
        with np.load(folder / "rows.npz", allow_pickle=False) as rows:
            self._low, self._step, self._top1 = rows["low"], rows["step"], rows["top1"]
            self.token_ids_sha256 = str(rows["token_ids_sha256"])
        self._codes = np.load(folder / "codes.npy", mmap_mode="r", allow_pickle=False)

    @property
    def vocabulary(self) -> int:
        """Entries in a row."""
        return int(self._codes.shape[1])

    def rows(
        self, start: int, count: int, like: torch.Tensor, columns: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(log-probabilities, most likely token) of rows ``start`` to ``start + count``.

        On the device of ``like`` and in its dtype. With ``columns``, of the first so many entries alone, as if there
        were no others. What goes to the device is 2 bytes an entry; the values are made there, and two copies of them
        live at once.
        """
        rows = slice(start, start + count)
        codes = torch.from_numpy(_codes_to_signed(self._codes[rows, :columns])).to(like.device)
        # Made float32 before they go to a device that has no float64.
        low, step = (
            torch.from_numpy(part[rows, None]).to(like.dtype).to(like.device) for part in (self._low, self._step)
        )
        logprobs = codes.to(like.dtype).add_(_CODE_OFFSET).mul_(step).add_(low)
        del codes
        top1 = torch.from_numpy(self._top1[rows]).to(like.device)
        if columns is not None and columns < self.vocabulary:
            top1 = torch.where(top1 < columns, top1, logprobs.argmax(dim=-1))
        return torch.log_softmax(logprobs, dim=-1), top1
