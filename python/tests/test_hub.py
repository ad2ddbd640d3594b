"""Models from a hub are downloaded completely before any clock starts; then the hub is shut off."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.hub.__main__ import describe_failure
from falcon_exp.worker.hub.wanted import likely_weight_files, small_files, weight_files
from falcon_exp.worker.trial.download import fetch_model, hub_shut_off, report_to_nobody
from tests.conftest import TINY_FALCON, configuration
from tests.driver import WorkerDriver
from tests.hub import COMMIT, Hub, hub_for_children
from tests.models import write_model

#: The library writes a file in pieces of 10 MB; a smaller file would never be there in part.
_PIECE_BYTES = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with 25 MB of weights and what repositories hold beside a model: other formats, code, a README."""
    folder = write_model(tmp_path_factory.mktemp("published"), {**TINY_FALCON, "vocab_size": 50_000})
    for name in ("README.md", "pytorch_model.bin", "consolidated.safetensors", "onnx/model.onnx", "onnx/config.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not wanted", "utf-8")
    (folder / "modeling.py").write_text("", "utf-8")
    return folder


@pytest.fixture
def hub(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub for the processes that this test starts, with an empty cache."""
    with hub_for_children(published, tmp_path, monkeypatch) as served:
        yield served


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/cache/blobs/ab.incomplete"), id="over HTTP"),
        pytest.param(RuntimeError("Data processing error: No space left on device (os error 28)"), id="over Xet"),
    ],
)
def test_a_full_disk_is_named(error: Exception) -> None:
    code, message = describe_failure(error)
    assert code == "download-disk-full"
    assert "No space left" in message


def test_only_what_a_load_reads_is_downloaded_and_code_only_where_it_is_trusted(hub: Hub) -> None:
    fetched = fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    plain = {"config.json", "generation_config.json", "model.safetensors", "tokenizer_config.json"}
    assert files_of(fetched.folder) >= plain
    fetched_files = files_of(fetched.folder)
    assert all(name.endswith(".json") and "/" not in name for name in fetched_files - plain), fetched_files
    trusted = fetch_model("lab/good", COMMIT, with_code=True, report=report_to_nobody)
    assert (trusted.folder, trusted.commit, trusted.folder.name) == (fetched.folder, COMMIT, COMMIT)
    assert files_of(trusted.folder) - fetched_files == {"modeling.py"}


def test_a_complete_commit_asks_nobody_and_a_complete_branch_asks_once(hub: Hub) -> None:
    first = fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    hub.requests.clear()
    assert fetch_model("lab/good", COMMIT, with_code=False, report=report_to_nobody).folder == first.folder
    assert hub.requests == []
    assert fetch_model("lab/good", "main", with_code=False, report=report_to_nobody).folder == first.folder
    assert [path.partition("?")[0] for path, _ in hub.requests] == ["GET /api/models/lab/good/revision/main"]


@pytest.mark.parametrize("absence", ["busy", "gone", "offline"])
def test_a_cached_model_is_taken_without_a_hub_after_one_attempt_and_that_is_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, absence: str
) -> None:
    first = fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    hub.requests.clear()
    if absence == "busy":
        hub.is_busy = True
    elif absence == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with hub.out_of_reach() if absence == "gone" else nullcontext():
        again = fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    assert (again.folder, again.commit) == (first.folder, COMMIT)
    assert len(hub.requests) == (1 if absence == "busy" else 0)
    assert any(COMMIT in record.getMessage() for record in caplog.records)


def test_a_file_goes_on_where_a_lost_connection_left_it(hub: Hub, published: Path) -> None:
    hub.cut_after_bytes = 2 * _PIECE_BYTES + 4096
    whole = fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    begins = [range_ for path, range_ in hub.requests if path.startswith("GET") and "model.safetensors" in path]
    assert begins == [None, f"bytes={2 * _PIECE_BYTES}-"]
    assert (whole.folder / "model.safetensors").read_bytes() == (published / "model.safetensors").read_bytes()


def test_after_a_download_that_was_given_up_whole_files_stay_and_partial_ones_do_not(hub: Hub, tmp_path: Path) -> None:
    hub.stop_after_bytes = 2 * _PIECE_BYTES
    told: list[str] = []

    class GivenUpError(Exception):
        """Ends the download in the middle of a file."""

    def give_up(detail: str, _tokens: int | None) -> None:
        told.append(detail)
        if detail == "downloading: 0.02 of 0.03 GB":
            raise GivenUpError

    with pytest.raises(GivenUpError):
        fetch_model("lab/good", "main", with_code=False, report=give_up)
    assert told
    assert list(tmp_path.rglob("*.incomplete")) == []
    hub.stop_after_bytes = None
    hub.requests.clear()
    fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    fetched = {path.rpartition("/")[2] for path, _ in hub.requests if path.startswith("GET /lab/")}
    assert fetched == {"model.safetensors"}


def test_a_partly_cached_model_is_unreachable_without_a_hub(hub: Hub) -> None:
    first = fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    (first.folder / "model.safetensors").unlink()
    with hub.out_of_reach(), pytest.raises(WorkerError) as raised:
        fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    assert raised.value.code == "hub-unreachable"


def test_a_repository_with_pickles_alone_is_refused_before_they_are_downloaded(
    hub: Hub, published: Path, tmp_path: Path
) -> None:
    hub.folder = tmp_path / "pickles"
    shutil.copytree(published, hub.folder)
    for weights in hub.folder.glob("*.safetensors"):
        weights.unlink()
    with pytest.raises(WorkerError) as raised:
        fetch_model("lab/good", "main", with_code=False, report=report_to_nobody)
    assert raised.value.code == "model-unsafe-format"
    assert not any("pytorch_model" in path for path, _ in hub.requests)


def test_what_is_loaded_holds_no_download_and_asks_the_hub_for_nothing(
    hub_worker: tuple[Hub, WorkerDriver], published: Path
) -> None:
    hub, driver = hub_worker
    hub.folder = published
    from_hub = configuration(model={"source": "hub", "repo": "lab/good", "revision": None})
    hub.stop_after_bytes = 2 * _PIECE_BYTES
    began_sec = time.perf_counter()
    request = driver.send("load", {"configuration": from_hub})
    while "downloading" not in driver.await_progress("load")["body"]["detail"]:
        pass
    held_since_sec = time.perf_counter()
    assert hub.stopped.wait(60)
    # The longer the hub is held up here, the more clearly a clock that runs meanwhile would show it.
    driver.ok("ping", socket_name="control")
    hub.flowing.wait(3)
    held_sec = time.perf_counter() - held_since_sec
    hub.flowing.set()
    load = driver.answer(request)["body"]["measurement"]
    elapsed_sec = time.perf_counter() - began_sec
    assert load["download_sec"] >= held_sec
    assert load["download_sec"] + load["load_sec"] <= elapsed_sec
    assert (load["model_revision"], load["weights_source"]) == (COMMIT, "files")
    assert 0 <= load["page_cache_share"] <= 1
    driver.ok("unload")
    hub.requests.clear()
    local = configuration(model={"source": "path", "path": str(hub.folder)})
    again = driver.ok("load", {"configuration": local})["measurement"]
    assert (again["download_sec"], again["model_revision"]) == (None, None)
    assert again["model_config_sha256"] == load["model_config_sha256"]
    driver.ok("unload")
    assert hub.requests == []


def test_code_that_a_folder_names_in_another_repository_is_fetched_before_the_clock(
    hub_worker: tuple[Hub, WorkerDriver], whole: Path, tmp_path: Path
) -> None:
    hub, driver = hub_worker
    hub.folder = tmp_path / "code"
    hub.folder.mkdir()
    (hub.folder / "mine.py").write_text(
        "from transformers import FalconConfig, FalconForCausalLM\n"
        "class MineConfig(FalconConfig):\n    model_type = 'mine'\n"
        "class MineForCausalLM(FalconForCausalLM):\n    config_class = MineConfig\n",
        "utf-8",
    )
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    named = {"AutoConfig": "lab/good--mine.MineConfig", "AutoModelForCausalLM": "lab/good--mine.MineForCausalLM"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mine", "auto_map": named}), "utf-8")
    model = {"source": "path", "path": str(folder)}
    load = driver.ok("load", {"configuration": configuration(model=model, trust_remote_code=True)})
    assert load["measurement"]["proof"]["model_class"] == "MineForCausalLM"
    driver.ok("unload")
    refused = driver.error("load", {"configuration": configuration(model=model)})
    assert refused["code"] == "remote-code-refused"


def test_within_the_switch_the_library_believes_to_be_offline_and_afterwards_not() -> None:
    from huggingface_hub import is_offline_mode
    from transformers.utils.hub import is_offline_mode as is_offline_for_transformers

    before = is_offline_mode()
    with hub_shut_off():
        assert is_offline_mode()
        assert is_offline_for_transformers()
    assert is_offline_mode() == before


def test_shards_are_those_that_the_index_names_and_one_file_goes_before_them(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors"}}), "utf-8")
    names = ["model-1.safetensors", "model-2.safetensors", "consolidated.safetensors", index.name]
    assert weight_files(names, index) == ["model-1.safetensors", "model-2.safetensors"]
    assert weight_files([*names, "model.safetensors"], index) == ["model.safetensors"]
    assert weight_files(["x.safetensors", "sub/y.safetensors"], None) == ["x.safetensors"]
    index.write_text(json.dumps({"weight_map": {"a": "../../etc/passwd"}}), "utf-8")
    with pytest.raises(WorkerError, match="outside the model"):
        weight_files(names, index)
    index.write_text("{}", "utf-8")
    with pytest.raises(WorkerError, match="names no weights"):
        weight_files(names, index)


def test_without_the_index_shards_go_by_their_names() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert likely_weight_files([*shards, "consolidated.safetensors"]) == shards
    assert likely_weight_files([*shards, "model.safetensors"]) == ["model.safetensors"]
    assert likely_weight_files(["other.safetensors"]) == ["other.safetensors"]


def test_an_estimate_tells_the_bytes_that_are_then_downloaded(hub: Hub) -> None:
    request = {
        "trust_remote_code": False,
        "loads": [
            {
                "model": {"source": "hub", "repo": "lab/good", "revision": None},
                "quantization": {"method": "none"},
                "device": "cpu",
                "workarounds": "auto",
            }
        ],
    }
    program = [sys.executable, "-m", "falcon_exp.worker.describe_models"]
    told = subprocess.run(program, input=json.dumps(request), capture_output=True, text=True, check=True)
    folder = fetch_model("lab/good", "main", with_code=False, report=report_to_nobody).folder
    downloaded = sum((folder / name).stat().st_size for name in files_of(folder))
    assert json.loads(told.stdout)["models"][0]["download_bytes"] == downloaded


def test_templates_and_tokenizers_of_every_kind_are_small_files() -> None:
    names = [
        "config.json",
        "chat_template.jinja",
        "additional_chat_templates/rag.jinja",
        "spiece.model",
        "merges.txt",
        "qwen.tiktoken",
        "model.safetensors",
        "a.py",
        "lib/b.py",
        "logo.png",
        "original/params.json",
    ]
    wanted = names[:6]
    assert small_files(names, with_code=False) == sorted(wanted)
    assert small_files(names, with_code=True) == sorted([*wanted, "a.py", "lib/b.py"])
