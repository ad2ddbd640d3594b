"""Whether this process may see an accelerator. Touches no driver: forks of a process that did could not use it."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from falcon_exp.worker.devices.simulated import card_file
from falcon_exp.worker.devices.simulated.driver import install


@dataclass(frozen=True)
class Visibility:
    """``some`` and ``none`` are certain; ``unknown``: only the driver could tell, and a forkserver must not ask it."""

    answer: Literal["none", "some", "unknown"]
    #: Why the answer is unknown; empty otherwise.
    reason: str = ""


def look_for_accelerators(torch: Any) -> Visibility:
    """Whether torch could use an accelerator, according to the management libraries and the file system."""
    simulated = card_file.read_from_environment()
    if simulated is not None:
        # From now on an import of bitsandbytes starts the simulated driver, as it starts a real one.
        install()
        return Visibility("unknown", "the simulated cards hide") if simulated.are_hidden else Visibility("some")
    if sys.platform == "darwin":
        return Visibility("some" if torch.backends.mps.is_built() else "none")
    if torch.version.cuda is not None:
        return _look_for_cuda(torch)
    if torch.version.hip is not None:
        return _look_for_rocm(torch)
    if getattr(getattr(torch, "xpu", None), "_is_compiled", lambda: False)() and Path("/dev/dri").is_dir():
        return Visibility("unknown", "an XPU build of torch asks the driver itself")
    return Visibility("none")


def is_in_bad_fork(torch: Any) -> bool:
    """Whether this process was forked from one that had started a driver, as torch or the simulated driver says."""
    if card_file.read_from_environment() is not None and install().is_in_bad_fork():
        return True
    apis = (getattr(torch, name, None) for name in ("cuda", "xpu"))
    return any(getattr(api, "_is_in_bad_fork", lambda: False)() for api in apis)


def _look_for_cuda(torch: Any) -> Visibility:
    if not _has_library("libcuda.so.1", "nvcuda.dll"):
        return Visibility("none")
    count = _count(getattr(torch.cuda, "_device_count_nvml", None))
    if count is None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        why = "CUDA_VISIBLE_DEVICES names a MIG slice" if "MIG" in visible else "NVML does not tell"
        return Visibility("unknown", why)
    return Visibility("some" if count > 0 else "none")


def _look_for_rocm(torch: Any) -> Visibility:
    if not Path("/dev/kfd").exists():
        return Visibility("none")
    count = _count(getattr(torch.cuda, "_device_count_amdsmi", None))
    if count is None:
        return Visibility("unknown", "amdsmi does not tell")
    return Visibility("some" if count > 0 else "none")


def _count(question: Any) -> int | None:
    """Torch's own count by a management library; None if it says that it cannot tell, or has no such function."""
    if question is None:
        return None
    count = int(question())
    return None if count < 0 else count


def _has_library(*names: str) -> bool:
    """Whether the driver's library can be loaded, which starts nothing."""
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False
