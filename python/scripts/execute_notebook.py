"""``python -m scripts.execute_notebook`` (from python/): executes the notebook in docs/ and writes its outputs into it.

With ``--check`` it writes nothing, and exits with 1 if the outputs in the file are out of date.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from traitlets.config import Config

PYTHON_FOLDER = Path(__file__).parents[1]
NOTEBOOK = PYTHON_FOLDER.parent / "docs" / "notebooks" / "quantization.ipynb"
_CELL_SECONDS = 600


def read() -> Any:
    """The notebook as it is in docs/."""
    return nbformat.read(NOTEBOOK, as_version=4)


def execute(notebook: Any) -> Any:
    """A copy with current outputs, from a new kernel of this Python. Raises if a cell does."""
    fresh = copy.deepcopy(notebook)
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}
    # The kernel keeps its history and its files away from those of whoever runs this.
    with tempfile.TemporaryDirectory(prefix="falcon-exp-notebook-") as home:
        # Sockets in a folder that only this user can enter, instead of open ports.
        sockets = {"transport": "ipc", "ip": f"{home}/kernel", "connection_file": f"{home}/kernel.json"}
        config = Config({"KernelManager": sockets})
        own = {"IPYTHONDIR": home, "PYTHONPATH": str(PYTHON_FOLDER)}
        client = nbclient.NotebookClient(
            fresh,
            timeout=_CELL_SECONDS,
            kernel_name="python3",
            resources=where,
            config=config,
            # It is a matter of chance how the kernel splits printed text into messages.
            coalesce_streams=True,
        )
        client.execute(env={**os.environ, **own})
    for cell in fresh.cells:
        # The time at which each cell ran means nothing, and would change the file with every execution.
        cell.metadata.pop("execution", None)
    # So would the version of Python.
    fresh.metadata = notebook.metadata
    return fresh


def texts(notebook: Any) -> list[tuple[str, str]]:
    """All text that was printed or shown, cell by cell, with the cell's id; pictures and charts are left out."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                found.append((cell.id, output.text))
            elif "data" in output and "image/png" not in output.data:
                found.append((cell.id, output.data.get("text/plain", "")))
    return found


def main() -> int:
    """Executes the notebook, then writes it, or with ``--check`` compares it."""
    parser = argparse.ArgumentParser(prog="python -m scripts.execute_notebook")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the texts differ")
    is_check = parser.parse_args().check
    kept = read()
    fresh = execute(kept)
    if not is_check:
        nbformat.write(fresh, NOTEBOOK)
        return 0
    if texts(fresh) == texts(kept):
        return 0
    sys.stderr.write(f"{NOTEBOOK} is stale: run `python -m scripts.execute_notebook` in python/ and commit it\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
