"""Only the devices folder knows about devices."""

from __future__ import annotations

import re
from pathlib import Path

_PACKAGE = Path(__file__).parents[2] / "falcon_exp"
_FRAMEWORKS = re.compile(r"torch\.(cuda|mps|xpu|accelerator)\b|\b(import|from) (pynvml|amdsmi)\b")


def test_only_the_devices_folder_asks_a_framework_or_a_driver_about_devices() -> None:
    asking = {
        path.relative_to(_PACKAGE).as_posix() for path in _PACKAGE.rglob("*.py") if _FRAMEWORKS.search(path.read_text())
    }
    assert asking
    assert {path for path in asking if not path.startswith("worker/devices/")} == set()
