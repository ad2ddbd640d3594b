"""Limits every sleep to 20 ms. Python imports this file by itself if its folder is on PYTHONPATH.

For a worker whose model hub does not answer: the hub's library retries, up to 8 s apart, and neither what it requests
nor how often depends on how long it sleeps.
"""

import time
from typing import Any

_LONGEST_SEC = 0.02
_sleep = time.sleep


def _sleep_shortly(seconds: Any) -> None:
    _sleep(min(seconds, _LONGEST_SEC))


time.sleep = _sleep_shortly
