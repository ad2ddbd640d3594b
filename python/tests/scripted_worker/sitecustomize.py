"""A worker without torch, for tests of how its processes live and end. Python imports this file by itself.

The supervisor, the launcher, the forkserver and what a trial process begins with are real. Scripted are the libraries
that the forkserver preloads, devices and environment, and the trial: its answers are the wire format's golden files,
and what it does stands in the configuration's label and in the prompt. It starts in a moment on a busy machine, too.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_HERE = Path(__file__).parent
_SCRIPTED = {
    "falcon_exp.worker.trial.preload": _HERE / "scripted_preload.py",
    "falcon_exp.worker.trial.trial": _HERE / "scripted_trial.py",
    "falcon_exp.worker.environment": _HERE / "scripted_environment.py",
    "falcon_exp.worker.devices.devices": _HERE / "scripted_devices.py",
}


class Finder(importlib.abc.MetaPathFinder):
    """Puts the scripted modules in the place of the real ones."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As importlib asks for it."""
        file = _SCRIPTED.get(fullname)
        return None if file is None else importlib.util.spec_from_file_location(fullname, file)


sys.meta_path.insert(0, Finder())
