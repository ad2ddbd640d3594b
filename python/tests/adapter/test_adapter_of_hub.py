"""An adapter from the hub is downloaded completely before any clock starts, and its commit is recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.download import fetch_adapter, report_to_nobody
from tests.conftest import configuration
from tests.driver import WorkerDriver
from tests.hub import COMMIT, Hub, hub_for_children
from tests.models import write_adapter, write_model
from tests.proof.tiny_models import tiny_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base"), tiny_model("llama")["config"], dtype=torch.bfloat16)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """A repository that also holds the files that training leaves beside an adapter."""
    folder = write_adapter(tmp_path_factory.mktemp("lora"), base, rank=4, target_modules=["q_proj", "v_proj"])
    for name in ("training_args.bin", "checkpoint-9/adapter_model.safetensors", "other.safetensors", "code.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not wanted", "utf-8")
    return folder


@pytest.fixture
def hub(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub for the processes that this test starts, with an empty cache."""
    with hub_for_children(published, tmp_path, monkeypatch) as served:
        yield served


def _model(base: Path, *, merged: bool = False, repo: str = "lab/good", revision: str | None = None) -> dict[str, Any]:
    return {
        "source": "adapted",
        "base": {"source": "path", "path": str(base)},
        "adapter": {"source": "hub", "repo": repo, "revision": revision},
        "merged": merged,
    }


def test_only_what_a_load_reads_is_fetched_and_a_whole_commit_asks_nobody(hub: Hub) -> None:
    fetched = fetch_adapter("lab/good", "main", report=report_to_nobody)
    names = {path.relative_to(fetched.folder).as_posix() for path in fetched.folder.rglob("*") if path.is_file()}
    assert names == {"adapter_config.json", "adapter_model.safetensors"}
    assert (fetched.commit, fetched.folder.name) == (COMMIT, COMMIT)
    hub.requests.clear()
    assert fetch_adapter("lab/good", COMMIT, report=report_to_nobody).folder == fetched.folder
    assert hub.requests == []
    with hub.out_of_reach():
        assert fetch_adapter("lab/good", "main", report=report_to_nobody).folder == fetched.folder


@pytest.mark.parametrize("merged", [False, True])
def test_the_commit_is_recorded_and_while_the_clock_runs_the_hub_is_asked_for_nothing(
    hub_worker: tuple[Hub, WorkerDriver], published: Path, base: Path, merged: bool
) -> None:
    hub, driver = hub_worker
    hub.folder = published
    first = driver.ok("load", {"configuration": configuration(model=_model(base, merged=merged))})["measurement"]
    assert (first["model_revision"], first["adapter_revision"]) == (None, COMMIT)
    assert first["download_sec"] > 0
    assert (first["proof"]["adapter"] is None) == merged
    assert [one["kind"] for one in first["prepared_from"]] == (["merged-adapter"] if merged else [])
    driver.ok("unload")
    hub.requests.clear()
    pinned = configuration(model=_model(base, merged=merged, revision=COMMIT))
    again = driver.ok("load", {"configuration": pinned})["measurement"]
    assert again["fingerprints"] == first["fingerprints"]
    driver.ok("unload")
    assert hub.requests == []


def test_a_repository_that_is_no_adapter_is_refused_before_its_weights_are_fetched(hub: Hub, base: Path) -> None:
    hub.folder = base
    with pytest.raises(WorkerError, match=r"lab/good holds no adapter_config.json, so it is no adapter") as caught:
        fetch_adapter("lab/good", "main", report=report_to_nobody)
    assert caught.value.code == "adapter-invalid"
    assert not any("safetensors" in path for path, _ in hub.requests)


@dataclass(frozen=True)
class Described:
    """What an estimate is told about one adapter on the base: of the hub, local, and in repositories with more."""

    of_hub: dict[str, Any]
    local: dict[str, Any]
    beside_a_config: dict[str, Any]
    pickled: dict[str, Any]
    #: The repository behind ``beside_a_config``.
    folder: Path


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, base: Path, published: Path) -> Described:
    """All four from one process, because each would import the libraries anew."""
    folder = shutil.copytree(published, tmp_path_factory.mktemp("repositories") / "both")
    (folder / "config.json").write_text("{}", "utf-8")
    pickles = shutil.copytree(folder, folder.with_name("pickles"))
    (pickles / "adapter_model.safetensors").rename(pickles / "adapter_model.bin")
    models = [_model(base), {**_model(base), "adapter": str(published)}]
    models += [_model(base, repo=name) for name in ("lab/both", "lab/pickled")]
    asked = {"quantization": {"method": "none"}, "dtype": "auto", "device": "cpu", "workarounds": "auto"}
    request = {"trust_remote_code": False, "loads": [{**asked, "model": model} for model in models]}
    program = [sys.executable, "-m", "falcon_exp.worker.describe_models"]
    with (
        pytest.MonkeyPatch.context() as patch,
        hub_for_children(published, tmp_path_factory.mktemp("describing"), patch) as hub,
    ):
        hub.others.update({"lab/both": folder, "lab/pickled": pickles})
        done = subprocess.run(program, input=json.dumps(request), capture_output=True, text=True, check=True)
    of_hub, local, beside_a_config, pickled = json.loads(done.stdout)["models"]
    return Described(of_hub, local, beside_a_config, pickled, folder)


def test_an_estimate_counts_the_adapter_of_the_hub(described: Described, published: Path) -> None:
    assert described.of_hub["error"] is None
    assert described.of_hub["shape"] == described.local["shape"]
    files = ("adapter_config.json", "adapter_model.safetensors")
    assert described.of_hub["download_bytes"] == sum((published / name).stat().st_size for name in files)


def test_an_adapter_is_counted_as_one_whatever_else_its_repository_holds(described: Described) -> None:
    """A ``config.json`` does not make it a model; weights that are not safetensors are reported as an adapter error."""
    files = ("adapter_config.json", "adapter_model.safetensors", "config.json")
    counted = sum((described.folder / name).stat().st_size for name in files)
    assert described.beside_a_config["download_bytes"] == counted
    assert described.pickled["error"]["code"] == "model-corrupt"
