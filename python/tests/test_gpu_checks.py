"""Some of the GPU tests, run on simulated cards so that they do not break unnoticed on a machine without a GPU."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

from falcon_exp.worker.devices.simulated import card_file
from tests.devices.simulated_cards import UUID_A, write_cards

_PACKAGE_FOLDER = Path(__file__).parents[1]


def test_they_run_on_simulated_cards_and_note_their_figures(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    chosen = ["tests/gpu/test_start.py", "tests/gpu/test_quantizations.py", "-k", "int8 or tells_of_each_card"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "gpu", *chosen, f"--junitxml={report}"],
        cwd=_PACKAGE_FOLDER,
        env={**os.environ, card_file.VARIABLE: str(write_cards(tmp_path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    noted = re.findall(r'<property name="figure" value="([^"]*)"', report.read_text("utf-8"))
    figures = {row["what"]: row["figure"] for row in (json.loads(unescape(one)) for one in noted)}
    assert UUID_A in figures["start"]
    assert figures["int8 on cuda"] == "int8, 14 of 15 layers"
    assert {"int8: peak allocated ÷ plain script's", "int8: decode rate ÷ plain loop's"} <= figures.keys()
    # The rates are the CPU's, so they are shown but not judged.
    assert "2 skipped" in result.stdout
