"""No sleep is longer than 20 ms. Python imports this file by itself wherever it lies on PYTHONPATH.

For a worker whose model hub does not answer: the hub's library asks again and again, up to 8 s apart, and neither what
it asks nor how often depends on how long it sleeps.
"""

import time
from typing import Any

_LONGEST_SEC = 0.02
_sleep = time.sleep


def _sleep_shortly(seconds: Any) -> None:
    _sleep(min(seconds, _LONGEST_SEC))


time.sleep = _sleep_shortly
