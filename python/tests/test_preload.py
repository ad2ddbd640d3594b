"""What the forkserver imports does not start an accelerator's driver."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker.devices.simulated import card_file
from tests.conftest import configuration
from tests.devices.simulated_cards import write_cards

_LOOK = (
    "import json, os, sys\n"
    "from falcon_exp.worker.trial import preload\n"
    "from falcon_exp.worker.devices.simulated.driver import install\n"
    "print(json.dumps({'failure': repr(preload.failure), 'driver': install().is_started(),\n"
    "    'environment': 'falcon_exp.worker.environment' in sys.modules,\n"
    "    'bitsandbytes': 'bitsandbytes' in sys.modules, 'problem': preload.find_fork_problem(),\n"
    "    'verbosity': preload.transformers.utils.logging.get_verbosity()}))\n"
)

#: What a process does after it has looked, where a card is visible: it imports what starts the driver, and forks.
_THEN_START_DRIVER = (
    "import bitsandbytes\n"
    "child = os.fork()\n"
    "if child == 0:\n"
    "    os._exit(0 if 'started the accelerator' in (preload.find_fork_problem() or '') else 1)\n"
    "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
)

#: The same where there is no card: it loads a model.
_THEN_LOAD = (
    "from falcon_exp.worker.devices.devices import Devices\n"
    "from falcon_exp.worker.trial.loading import load\n"
    "devices, before = Devices.open(), set(sys.modules)\n"
    "load(json.loads(sys.argv[1]), devices)\n"
    "print(json.dumps(sorted(set(sys.modules) - before)))\n"
)

#: ``environment`` is preloaded too, so it must not import bitsandbytes either. Warnings reach the records whatever
#: TRANSFORMERS_VERBOSITY says.
GOOD = {"failure": "None", "driver": False, "environment": True, "problem": None, "verbosity": logging.WARNING}


def preload(then: str = "", *arguments: str, **environment: str) -> tuple[dict[str, Any], Any]:
    """Returns what a process that has imported everything reports about itself, and what it prints last."""
    told = {name: value for name, value in os.environ.items() if name != card_file.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", _LOOK + then, *arguments],
        env={**told, "TRANSFORMERS_VERBOSITY": "error", **environment},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    lines = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(next(line for line in lines if line.startswith("{")))
    return found, json.loads(lines[-1])


@pytest.fixture(scope="module")
def beside_a_card(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """What a process finds where a card is visible, and the exit code of its fork after the driver was started."""
    return preload(_THEN_START_DRIVER, **{card_file.VARIABLE: str(write_cards(tmp_path_factory.mktemp("cards")))})


@pytest.fixture(scope="module")
def without_cards(whole: Path) -> tuple[dict[str, Any], list[str]]:
    """What a process finds on a machine without cards, and the modules that the load of a model then imports."""
    asked = configuration(model={"source": "path", "path": str(whole)})
    return preload(_THEN_LOAD, json.dumps(asked))


def test_where_a_card_is_visible_the_forkserver_imports_nothing_that_starts_its_driver(
    beside_a_card: tuple[dict[str, Any], int],
) -> None:
    found, _ = beside_a_card
    assert found == {**GOOD, "bitsandbytes": False}


def test_on_a_machine_without_cards_everything_is_imported_once(without_cards: tuple[dict[str, Any], Any]) -> None:
    found, _ = without_cards
    assert found == {**GOOD, "bitsandbytes": True}


def test_where_nobody_can_tell_a_forked_process_says_so(tmp_path: Path) -> None:
    found, _ = preload(**{card_file.VARIABLE: str(write_cards(tmp_path, are_hidden=True))})
    assert (found["driver"], found["bitsandbytes"]) == (False, False)
    assert "without starting its driver" in found["problem"]


def test_a_driver_that_an_import_started_is_recognized_in_the_forked_process(
    beside_a_card: tuple[dict[str, Any], int],
) -> None:
    _, exit_code = beside_a_card
    assert exit_code == 0


def test_a_load_imports_the_code_of_its_model_and_nothing_else(without_cards: tuple[Any, list[str]]) -> None:
    """Anything else that it imports would count in the load time, again in every trial process."""
    _, imported = without_cards
    own = ("transformers.models.falcon", "transformers.models.byt5")
    assert [name for name in imported if not name.startswith(own)] == []


def test_a_forkserver_whose_supervisor_is_already_gone_ends_before_its_imports(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("print('imported')\n")
    done = subprocess.run(
        [sys.executable, "-c", "from falcon_exp.worker.trial import preload"],
        env={
            **os.environ,
            # This is another process than the one that starts it.
            "FALCON_EXP_PARENT_PID": str(os.getppid()),
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[1]}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
