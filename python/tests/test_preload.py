"""What the forkserver imports does not start an accelerator's driver."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from falcon_exp.worker.devices.simulated import card_file
from tests.conftest import configuration
from tests.devices.simulated_cards import write_cards

_LOOK = (
    "import json, sys\n"
    "from falcon_exp.worker.trial import preload\n"
    "from falcon_exp.worker.devices.simulated.driver import install\n"
    "print(json.dumps({'failure': repr(preload.failure), 'driver': install().is_started(),\n"
    "    'bitsandbytes': 'bitsandbytes' in sys.modules, 'problem': preload.find_fork_problem(),\n"
    "    'verbosity': preload.transformers.utils.logging.get_verbosity()}))\n"
)


#: Warnings reach the records whatever TRANSFORMERS_VERBOSITY says.
GOOD = {"failure": "None", "driver": False, "problem": None, "verbosity": logging.WARNING}


def preload(**environment: str) -> dict[str, Any]:
    """Returns what a process that has imported everything reports about itself."""
    told = {name: value for name, value in os.environ.items() if name != card_file.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", _LOOK],
        env={**told, "TRANSFORMERS_VERBOSITY": "error", **environment},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_where_a_card_is_visible_the_forkserver_imports_nothing_that_starts_its_driver(tmp_path: Path) -> None:
    found = preload(**{card_file.VARIABLE: str(write_cards(tmp_path))})
    assert found == {**GOOD, "bitsandbytes": False}


def test_on_a_machine_without_cards_everything_is_imported_once() -> None:
    assert preload() == {**GOOD, "bitsandbytes": True}


def test_where_nobody_can_tell_a_forked_process_says_so(tmp_path: Path) -> None:
    found = preload(**{card_file.VARIABLE: str(write_cards(tmp_path, are_hidden=True))})
    assert (found["driver"], found["bitsandbytes"]) == (False, False)
    assert "without starting its driver" in found["problem"]


def test_a_driver_that_an_import_started_is_recognized_in_the_forked_process(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from falcon_exp.worker.trial import preload\n"
        "import bitsandbytes\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if 'started the accelerator' in (preload.find_fork_problem() or '') else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    environment = {**os.environ, card_file.VARIABLE: str(write_cards(tmp_path))}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_a_load_imports_the_code_of_its_model_and_nothing_else(whole: Path) -> None:
    """Anything else that it imports would count in the load time, again in every trial process."""
    asked = configuration(model={"source": "path", "path": str(whole)})
    code = (
        "import json, sys\n"
        "from falcon_exp.worker.trial import preload\n"
        "from falcon_exp.worker.devices.devices import Devices\n"
        "from falcon_exp.worker.trial.loading import load\n"
        "devices, before = Devices.open(), set(sys.modules)\n"
        "load(json.loads(sys.argv[1]), devices)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asked)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    imported = json.loads(done.stdout.splitlines()[-1])
    own = ("transformers.models.falcon", "transformers.models.byt5")
    assert [name for name in imported if not name.startswith(own)] == []
