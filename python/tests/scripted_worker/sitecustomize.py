"""A worker without torch, for tests of how its processes live and end. Python imports this file by itself.

The supervisor, the launcher, the forkserver and the start of a trial process are real. The libraries that the
forkserver preloads, the devices, the environment and the trial are scripted: the trial answers with the wire format's
golden files, and the configuration's label and the prompt say what it does. It starts quickly even on a busy machine.
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
        """Called by importlib."""
        file = _SCRIPTED.get(fullname)
        return None if file is None else importlib.util.spec_from_file_location(fullname, file)


sys.meta_path.insert(0, Finder())
