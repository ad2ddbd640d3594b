"""Variables for these tests and all that they start. A plugin of pytest, since libraries read some when imported."""

from __future__ import annotations

import os

_VARIABLES = {
    # Threads that share the cores with other processes wait for each other, and spin while they wait: a tiny model then
    # takes ten times the time. What is measured with all threads is in the tests of real models (test/experiments).
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    # Reading 1 GB again and again at each start of a worker would take a tenth of the time of all tests.
    "FALCON_EXP_BANDWIDTH_BYTES": "16777216",
}

for _name, _value in _VARIABLES.items():
    os.environ.setdefault(_name, _value)
