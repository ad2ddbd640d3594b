"""Fixtures: workers, and configurations that they load within a second."""

from __future__ import annotations

import copy
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.driver import WorkerDriver
from tests.hub import Hub, hub_environment
from tests.models import write_model

# Off until the tests are collected: imports create many objects but no garbage, and searching them takes seconds.
gc.disable()

# On a machine that others use too, an example may take any time, which says nothing about the code. All else is as in
# the profile in use: where CI is set, that is Hypothesis's own, which draws the same examples in every run.
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

TINY_FALCON = {
    "model_type": "falcon",
    "vocab_size": 384,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_kv_heads": 2,
    "new_decoder_architecture": True,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 1,
}

#: In the environment of the worker that ``hub_worker`` lends; it must appear nowhere but in requests to the hub.
HUB_TOKEN = "hf_plantedTokenOfTheTestsNeverARealOne"  # noqa: S105

#: Its weights are drawn from such a wide distribution that its answers depend on the prompt.
SHARP_LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 384,
    "hidden_size": 128,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
}

QUANTIZATIONS: dict[str, dict[str, Any]] = {
    "none": {"method": "none"},
    "int8": {"method": "int8", "threshold": 6.0, "skip_modules": None},
    "fp4": {
        "method": "4bit",
        "type": "fp4",
        "double_quant": False,
        "compute_dtype": "auto",
        "skip_modules": None,
    },
    "nf4-double": {
        "method": "4bit",
        "type": "nf4",
        "double_quant": True,
        "compute_dtype": "float32",
        "skip_modules": None,
    },
    **{
        f"{method}-{kind}": {"method": method, "type": kind, "skip_modules": None}
        for method, kinds in {
            "torchao": ("int8", "int8-dynamic", "float8", "float8-dynamic", "int4"),
            "quanto": ("int8", "int4", "float8"),
        }.items()
        for kind in kinds
    },
}


def configuration(quantization: str = "none", **changes: Any) -> Any:
    """The configuration of a tiny random Falcon with one quantization."""
    return {
        "id": "c1",
        "label": quantization,
        "model": {"source": "random", "config": copy.deepcopy(TINY_FALCON), "seed": 7, "tokenizer": "bytes"},
        "quantization": copy.deepcopy(QUANTIZATIONS[quantization]),
        "dtype": "bfloat16",
        "device": "cpu",
        "attention": "auto",
        "trust_remote_code": False,
        "workarounds": "auto",
        **changes,
    }


def generation(**changes: Any) -> Any:
    """Generation settings: six new tokens, greedy decoding."""
    return {
        "max_new_tokens": 6,
        "max_length": None,
        "min_new_tokens": 6,
        "sampling": "greedy",
        "seed": 0,
        "temperature": None,
        "top_k": None,
        "top_p": None,
        "repetition_penalty": None,
        "chat_template": "auto",
        "truncate_prompts": "no",
        **changes,
    }


def trial(prompt: str = "What is a falcon?", phase: str = "measure", **changes: Any) -> Any:
    """The body of a ``generate`` request."""
    repeat = changes.pop("repeat", 0)
    return {
        "trial_id": "c1/p1/r1",
        "phase": phase,
        "prompt": prompt,
        "repeat": repeat,
        "generation": generation(**changes),
    }


def pytest_collection_finish() -> None:
    """Freezes the objects that imports created, so that no garbage collection scans them."""
    gc.freeze()
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Marks in the report which tests need a GPU: scripts/check.ts accepts a skip of these tests only."""
    if item.get_closest_marker("gpu") is not None:
        item.user_properties.append(("needs", "gpu"))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache folder that all workers of this test run share."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Falcon as a folder: config, safetensors, byte tokenizer. Copy it before you change it."""
    return write_model(tmp_path_factory.mktemp("whole"), TINY_FALCON)


@contextmanager
def opened_worker(home: Path, environment: dict[str, str] | None = None) -> Iterator[WorkerDriver]:
    """A worker that has said hello but has imported nothing yet; it is ended when the block ends."""
    # Not tmp_path, because a socket's path may be at most 107 bytes long.
    with tempfile.TemporaryDirectory(prefix="fx-") as folder:
        driver = WorkerDriver(Path(folder), home, environment)
        try:
            hello = driver.receive("control")
            assert hello["type"] == "hello"
            yield driver
        finally:
            driver.close()


@contextmanager
def scripted_worker(home: Path, environment: dict[str, str] | None = None) -> Iterator[WorkerDriver]:
    """A worker that has said hello, real except for its trials (tests/scripted_worker); ended when the block ends."""
    tests = Path(__file__).parent
    path = os.pathsep.join([str(tests / "scripted_worker"), str(tests.parent)])
    with opened_worker(home, {"PYTHONPATH": path, **(environment or {})}) as driver:
        yield driver


@contextmanager
def started_worker(home: Path, environment: dict[str, str] | None = None) -> Iterator[WorkerDriver]:
    """A worker that has answered ``start``: its libraries are imported, which takes seconds."""
    with opened_worker(home, environment) as driver:
        driver.environment = driver.ok("start")["environment"]
        yield driver


class SharedWorker:
    """One started worker, lent to one test at a time; it is replaced if a test leaves it unusable."""

    def __init__(self, home: Path, environment: dict[str, str] | None = None) -> None:
        self._home = home
        self._environment = environment
        self._stack = ExitStack()
        self._driver: WorkerDriver | None = None

    @contextmanager
    def lend(self) -> Iterator[WorkerDriver]:
        """The worker, idle and without a trial process; it is made idle again when the block ends."""
        driver = self._driver = self._driver or self._stack.enter_context(started_worker(self._home, self._environment))
        driver.forget()
        is_fit = False
        try:
            yield driver
            assert driver.process.poll() is None, "a test ended the worker that others share"
            # No error if nothing is loaded. Every load starts a trial process of its own, so all that tests share are
            # the imported libraries.
            driver.ok("unload")
            is_fit = True
        finally:
            if not is_fit:
                self.close()

    def close(self) -> None:
        """Ends the worker, if there is one."""
        self._driver = None
        self._stack.close()


@pytest.fixture(scope="session")
def session_worker(home: Path) -> Iterator[SharedWorker]:
    """Holds the worker that ``shared_worker`` lends."""
    shared = SharedWorker(home)
    yield shared
    shared.close()


@pytest.fixture
def shared_worker(session_worker: SharedWorker) -> Iterator[WorkerDriver]:
    """A started worker that a test must not end; it is unloaded before the next test gets it."""
    with session_worker.lend() as driver:
        yield driver


@pytest.fixture(scope="session")
def session_hub(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Path, SharedWorker]]:
    """Holds what ``hub_worker`` lends, and the cache of that worker."""
    cache = tmp_path_factory.mktemp("hf")
    tests = Path(__file__).parent
    with Hub(tmp_path_factory.mktemp("nothing")) as hub:
        environment = {
            **hub_environment(hub, cache),
            "HF_TOKEN": HUB_TOKEN,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            # See the sitecustomize.py in the first folder.
            "PYTHONPATH": os.pathsep.join([str(tests / "short_sleeps"), str(tests.parent)]),
        }
        shared = SharedWorker(home, environment)
        yield hub, cache, shared
        shared.close()


@pytest.fixture
def hub_worker(
    session_hub: tuple[Hub, Path, SharedWorker],
) -> Iterator[tuple[Hub, WorkerDriver]]:
    """A hub whose ``folder`` the test sets, and a shared worker that knows only this hub and has an empty cache."""
    hub, cache, shared = session_hub
    hub.forget()
    for child in cache.iterdir():
        shutil.rmtree(child)
    with shared.lend() as driver:
        yield hub, driver
