"""Damaged, hostile, forbidden and missing models: each case gets its own code, and nothing that they bring is run."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HUB_TOKEN, configuration, trial
from tests.driver import WorkerDriver
from tests.hub import COMMIT, Hub


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def change_weights(folder: Path, change: Callable[[bytes], bytes]) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(change(path.read_bytes()))


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def pickle_instead_of_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(folder / "ran")))


def code_of_its_own(folder: Path) -> None:
    change_config(folder, model_type="evil", auto_map={"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"})
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n", "utf-8")


def without_tokenizer(folder: Path) -> None:
    for path in folder.glob("*token*"):
        path.unlink()


def shard_that_is_not_there(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {"metadata": {}, "weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        pytest.param(lambda f: change_weights(f, lambda b: b""), "model-corrupt", id="empty weights"),
        pytest.param(lambda f: change_weights(f, lambda b: b[:5000]), "model-corrupt", id="truncated weights"),
        pytest.param(
            lambda f: change_weights(f, lambda b: b[:8] + b"\xff" * 32 + b[40:]), "model-corrupt", id="header"
        ),
        pytest.param(
            lambda f: change_weights(f, lambda b: struct.pack("<Q", 2**63) + b[8:]), "model-corrupt", id="huge header"
        ),
        pytest.param(shard_that_is_not_there, "model-corrupt", id="shard not there"),
        pytest.param(without_tokenizer, "tokenizer-missing", id="no tokenizer"),
        pytest.param(
            lambda f: (f / "tokenizer_config.json").write_text("{nope", "utf-8"), "model-corrupt", id="tokenizer"
        ),
        pytest.param(lambda f: change_config(f, hidden_size=256), "model-corrupt", id="config of another size"),
        pytest.param(lambda f: change_config(f, num_hidden_layers=4), "model-corrupt", id="config of more layers"),
        pytest.param(lambda f: change_config(f, num_attention_heads=3), "model-corrupt", id="config that cannot be"),
        pytest.param(lambda f: change_config(f, hidden_size="big"), "model-corrupt", id="config of another type"),
        pytest.param(lambda f: (f / "config.json").write_text("[]", "utf-8"), "model-corrupt", id="config is a list"),
        pytest.param(pickle_instead_of_weights, "model-unsafe-format", id="pickle"),
        pytest.param(code_of_its_own, "remote-code-refused", id="code of its own"),
    ],
)
def test_a_damaged_or_hostile_model_folder_is_refused_with_its_code_and_runs_nothing(
    shared_worker: WorkerDriver, whole: Path, tmp_path: Path, damage: Callable[[Path], object], code: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    damage(folder)
    model = {"source": "path", "path": str(folder)}
    error = shared_worker.error("load", {"configuration": configuration(model=model)})
    assert (error["code"], error["phase"]) == (code, "load"), error["message"]
    assert not (folder / "ran").exists()


def test_a_pickle_beside_safetensors_is_not_read(shared_worker: WorkerDriver, whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(folder / "ran")))
    shared_worker.ok("load", {"configuration": configuration(model={"source": "path", "path": str(folder)})})
    shared_worker.ok("unload")
    assert not (folder / "ran").exists()


def test_the_payload_would_run_where_a_pickle_is_read(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path / "ran")))  # noqa: S301
    assert (tmp_path / "ran").exists()


def test_a_model_without_a_chat_template_is_asked_plainly_and_refused_where_one_is_demanded(
    shared_worker: WorkerDriver,
) -> None:
    loaded = shared_worker.ok("load", {"configuration": configuration()})
    assert loaded["measurement"]["proof"]["chat_template"] is False
    assert shared_worker.ok("generate", trial())["measurement"]["chat_template_applied"] is False
    error = shared_worker.error("generate", trial(chat_template="on"))
    assert (error["code"], error["phase"]) == ("generation-invalid", "measure")
    shared_worker.ok("unload")


def test_whatever_the_characters_a_prompt_is_measured(shared_worker: WorkerDriver) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    prompts = [
        "\U0001f985" * 8,
        "a\0b",
        "\u202egnihtemos\u202c",
        "مرحبا",
        "\x1b[31mred\x07",
        "\ufeff",
        "\u200b",
        "</s><pad>",
        " ",
    ]
    for prompt in prompts:
        measured = shared_worker.ok("generate", trial(prompt))["measurement"]
        assert measured["output_tokens"] == 6, prompt
    shared_worker.ok("unload")


def from_hub(repo: str, revision: str | None = None) -> dict[str, Any]:
    return {"configuration": configuration(model={"source": "hub", "repo": repo, "revision": revision})}


def test_a_model_of_the_hub_is_loaded_and_its_commit_recorded(
    hub_worker: tuple[Hub, WorkerDriver], whole: Path
) -> None:
    hub, driver = hub_worker
    hub.folder = whole
    loaded = driver.ok("load", from_hub("lab/good"))
    assert loaded["measurement"]["model_revision"] == COMMIT
    driver.ok("unload")
    assert f"Bearer {HUB_TOKEN}" in hub.authorizations


@pytest.mark.parametrize(
    ("repo", "revision", "code"),
    [
        pytest.param("lab/nothing", None, "model-not-found", id="401 no such repository"),
        pytest.param("lab/gated", None, "model-gated", id="401 gated"),
        pytest.param("lab/forbidden", None, "model-gated", id="403 awaiting a review"),
        pytest.param("lab/good", "no-such-branch", "model-revision-unknown", id="404 revision"),
        pytest.param("lab/portal", None, "hub-unreachable", id="a captive portal"),
        pytest.param("lab/down", None, "hub-unreachable", id="503"),
    ],
)
def test_what_a_hub_refuses_ends_in_its_code_and_the_token_is_nowhere(
    hub_worker: tuple[Hub, WorkerDriver], whole: Path, repo: str, revision: str | None, code: str
) -> None:
    hub, driver = hub_worker
    hub.folder = whole
    error = driver.error("load", from_hub(repo, revision))
    assert (error["code"], error["phase"]) == (code, "load"), error["message"]
    assert HUB_TOKEN not in json.dumps(error)


def test_a_load_from_a_hub_that_never_answers_can_be_cancelled(hub_worker: tuple[Hub, WorkerDriver]) -> None:
    _, driver = hub_worker
    identifier = driver.send("load", from_hub("lab/slow"))
    driver.await_progress("load")
    driver.ok("cancel", {"target": identifier}, socket_name="control")
    assert driver.answer(identifier)["body"]["code"] == "cancelled"


def test_a_hub_that_is_not_there_is_unreachable(hub_worker: tuple[Hub, WorkerDriver]) -> None:
    hub, driver = hub_worker
    with hub.out_of_reach():
        assert driver.error("load", from_hub("lab/unheard-of"))["code"] == "hub-unreachable"
