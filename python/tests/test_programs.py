"""The programs that the controller starts besides the worker."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker import prepare_builtin
from falcon_exp.worker.quantization.registry import METHODS

PACKAGE = Path(__file__).parents[1]


def run(*arguments: str) -> list[dict[str, Any]]:
    """Runs a module of the worker and returns the lines of its stdout, parsed as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_shallow_check_names_versions_and_imports_nothing() -> None:
    (answer,) = run("falcon_exp.worker.check_environment")
    assert answer["problems"] == []
    assert answer["packages"]["transformers"] is not None
    assert answer["import_errors"] is None
    assert answer["devices"] is None


def test_the_deep_check_computes_every_format_on_the_cpu() -> None:
    (answer,) = run("falcon_exp.worker.check_environment", "--deep")
    assert answer["import_errors"] == []
    (cpu, *_) = answer["devices"]
    assert cpu["device"] == "cpu"
    formats = {name for method in METHODS for name in method.formats()}
    unable = {"torchao-float8-dynamic", "torchao-int4", "fp8"}
    assert unable <= set(cpu["unable"])
    # Whatever else the registry has was tried, and nothing went wrong.
    assert cpu["quantization"] == dict.fromkeys(formats - set(cpu["unable"]))
    assert set(cpu["quantization"]) >= {
        *("int8", "fp4", "nf4", "torchao-int8", "torchao-int8-dynamic", "torchao-float8"),
        *("quanto-int8", "quanto-int4", "quanto-float8"),
    }
    assert all("needs a GPU" in reason for reason in cpu["unable"].values())
    assert cpu["dtypes"] == ["float32", "bfloat16", "float16"]


def test_a_conversion_that_fails_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_source: Path, folder: Path) -> None:
        (folder / "half").write_text("x", "utf-8")
        raise RuntimeError("no space")

    monkeypatch.setattr(prepare_builtin, "_carried_file", lambda: Path(__file__))
    monkeypatch.setattr(prepare_builtin, "_convert", broken)
    with pytest.raises(RuntimeError, match="no space"):
        prepare_builtin.prepare(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_the_embedded_model_is_as_its_manifest_says() -> None:
    folder = Path(os.environ["FALCON_EXP_TEST_MODEL"])
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(manifest["files"])
    for name, expected in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (expected["sha256"], expected["bytes"]), name
