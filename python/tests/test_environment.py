"""A started worker reports its environment: the machine, the kernels in use, and the cards that it may use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falcon_exp.results.traits import read_machine_traits
from tests.conftest import opened_worker
from tests.devices.simulated_cards import UUID_A, UUID_B, write_cards
from tests.driver import WorkerDriver


def start(home: Path, **environment: str) -> dict[str, Any]:
    with opened_worker(home, environment) as driver:
        told: dict[str, Any] = driver.ok("start")["environment"]
        return told


def test_a_worker_tells_its_instruction_sets_and_the_kernels_that_follow_from_them(
    shared_worker: WorkerDriver, home: Path
) -> None:
    plain = shared_worker.environment
    assert plain["machine"]["bitsandbytes"]["native_library"].startswith("libbitsandbytes_")
    if plain["machine"]["torch_cpu_capability"] != "AVX512":
        pytest.skip("this CPU has no AVX-512, so torch has no other choice to make")
    held = start(home, ATEN_CPU_CAPABILITY="avx2")
    assert held["environment_variables"]["ATEN_CPU_CAPABILITY"] == "avx2"
    ours, theirs = read_machine_traits(plain), read_machine_traits(held)
    assert {name for name in ours if ours[name] != theirs[name]} == {"torch's CPU kernels", "int8 on the CPU"}


def test_the_two_cards_of_one_machine_are_two_machines(home: Path, tmp_path: Path) -> None:
    gib = 2**30
    cards = write_cards(
        tmp_path,
        a={"name": "NVIDIA A100-SXM4-80GB", "memory_total_bytes": 80 * gib},
        b={"name": "Tesla T4", "memory_total_bytes": 15 * gib},
    )
    told = [
        start(home, FALCON_EXP_SIMULATED_ACCELERATOR=str(cards), CUDA_VISIBLE_DEVICES=visible) for visible in ("0", "1")
    ]
    assert [[card["uuid"] for card in one["gpus"]] for one in told] == [[UUID_A], [UUID_B]]
    assert [read_machine_traits(one)["GPUs"] for one in told] == [
        "NVIDIA A100-SXM4-80GB (simulated, 80 GiB)",
        "Tesla T4 (simulated, 15 GiB)",
    ]
