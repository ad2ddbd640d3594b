"""Every failure has a code that says what to do: foreign exceptions classified, real causes provoked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker.failures import WorkerError, classify, error_body
from falcon_exp.worker.trial.sources import random_model
from tests.conftest import TINY_FALCON, configuration, trial
from tests.driver import WorkerDriver


def named(name: str, message: str, base: type[Exception] = Exception) -> Exception:
    """An exception of a library's class, by its name."""
    error: Exception = type(name, (base,), {})(message)
    return error


@pytest.mark.parametrize(
    ("error", "phase", "code"),
    [
        (named("OutOfMemoryError", "CUDA out of memory", RuntimeError), "measure", "out-of-memory-device"),
        (RuntimeError("CUDA error: out of memory"), "load", "out-of-memory-device"),
        (named("AcceleratorError", "CUDA error: unspecified launch failure", RuntimeError), "measure", "device-lost"),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), "quality", "device-lost"),
        (RuntimeError("CUDA error: no CUDA-capable device is detected"), "load", "device-lost"),
        (RuntimeError("CUDA error: device-side assert triggered"), "measure", "worker-exception"),
        (RuntimeError("the reference is lost"), "measure", "worker-exception"),
        (MemoryError(), "load", "out-of-memory-host"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "measure", "out-of-memory-host"),
        (named("GatedRepoError", "401"), "load", "model-gated"),
        (named("RepositoryNotFoundError", "404"), "load", "model-not-found"),
        (OSError("x is not a local folder and is not a valid model identifier"), "load", "model-not-found"),
        (OSError("We couldn't connect to the hub"), "load", "hub-unreachable"),
        (ConnectionError("refused"), "load", "hub-unreachable"),
        (named("SafetensorError", "invalid header"), "load", "model-corrupt"),
        (ValueError("set trust_remote_code=True"), "load", "remote-code-refused"),
        (ImportError("FlashAttention2 has been toggled on"), "load", "attention-unavailable"),
        (ImportError("No module named 'x'"), "load", "import-failed"),
        (ValueError("model_kwargs are not used: ['x']"), "measure", "generation-invalid"),
        (ValueError("model_kwargs are not used: ['x']"), "load", "worker-exception"),
        (KeyError("x"), "measure", "worker-exception"),
        (WorkerError("prompt-too-long", "long"), "measure", "prompt-too-long"),
    ],
)
def test_a_foreign_exception_gets_the_code_of_its_cause(error: BaseException, phase: str, code: str) -> None:
    assert classify(error, phase)[0] == code


def test_the_cause_behind_an_exception_counts() -> None:
    outer = RuntimeError("loading failed")
    outer.__cause__ = named("SafetensorError", "header too small")
    assert classify(outer, "load")[0] == "model-corrupt"


def test_an_expected_failure_has_no_traceback_and_a_surprise_has() -> None:
    assert error_body(WorkerError("prompt-too-long", "long"), "measure")["traceback"] is None
    assert "KeyError" in str(error_body(KeyError("x"), "measure")["traceback"])


def from_path(path: Path, **changes: Any) -> dict[str, Any]:
    return configuration(model={"source": "path", "path": str(path)}, **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dtype": "float8_e4m3fn"}, "dtype-unsupported"),
        ({"device": "cuda:99"}, "device-unavailable"),
        ({"attention": "flash_attention_2"}, "attention-unavailable"),
        ({"model": {"source": "path", "path": "/no/such/folder"}}, "model-not-found"),
        ({"model": {"source": "builtin", "name": "x", "path": None}}, "model-not-found"),
    ],
)
def test_what_cannot_run_here_is_refused_with_its_code(
    shared_worker: WorkerDriver, changes: dict[str, Any], code: str
) -> None:
    error = shared_worker.error("load", {"configuration": configuration(**changes)})
    assert (error["code"], error["phase"]) == (code, "load")


def truncate_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def nonsense_config(folder: Path) -> None:
    (folder / "config.json").write_text("{nonsense", "utf-8")


def unknown_architecture(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "no-such-model"}), "utf-8")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (truncate_weights, "model-corrupt"),
        (only_pickle, "model-unsafe-format"),
        (without_config, "model-not-found"),
        (nonsense_config, "model-corrupt"),
        (unknown_architecture, "model-corrupt"),
    ],
)
def test_a_damaged_model_folder_is_refused_with_its_code(
    shared_worker: WorkerDriver, home: Path, tmp_path: Path, damage: Callable[[Path], None], code: str
) -> None:
    whole = random_model({"config": TINY_FALCON, "seed": 7, "tokenizer": "bytes"}, home)
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    damage(folder)
    error = shared_worker.error("load", {"configuration": from_path(folder)})
    assert error["code"] == code, error["message"]


def test_a_prompt_beyond_the_context_is_refused_before_measuring_and_the_process_lives(
    shared_worker: WorkerDriver,
) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    error = shared_worker.error("generate", trial("long " * 100))
    assert error["code"] == "prompt-too-long"
    assert "128" in error["message"]
    shared_worker.ok("generate", trial())
    shared_worker.ok("unload")


def test_max_length_counts_the_prompt(shared_worker: WorkerDriver) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    limits: dict[str, Any] = {"max_new_tokens": None, "min_new_tokens": None}
    measured = shared_worker.ok("generate", trial("abcd", max_length=20, **limits))["measurement"]
    assert measured["input_tokens"] + measured["output_tokens"] <= 20
    assert shared_worker.error("generate", trial("abcd", max_length=4, **limits))["code"] == "prompt-too-long"
    shared_worker.ok("unload")
