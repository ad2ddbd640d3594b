"""The code in docs/notebooks.md is run exactly as it stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from falcon_exp.results import runs

ROOT = Path(__file__).parents[2]


def test_every_block_of_python_on_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "notebooks.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    for run in runs(ROOT / "results" / "example" / "quant"):
        shutil.copytree(run.folder, tmp_path / "results" / "quant" / run.id)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/notebooks.md", "exec"), names)  # noqa: S102 - the page is the project's own
    assert str(names["run"]).startswith("Run(")
    assert names["trials"] is not None
