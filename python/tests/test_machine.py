"""What decides a machine's speed is read from the kernel's files and from the libraries themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.results.traits import read_machine_traits
from falcon_exp.worker import environment
from falcon_exp.worker.machine import (
    count_physical_cores,
    describe_machine,
    parse_cpu_list,
    read_cpu_model,
    read_cpu_quota_cores,
    read_instruction_sets,
    read_numa_nodes,
)
from tests.driver import WorkerDriver

EPYC = "AMD EPYC 9004-Series Processor"
GENOA_FLAGS = "fpu fma f16c avx avx2 avx512f avx512bw avx512dq avx512vl avx512_vnni avx512_bf16 svm"


def machine_of(root: Path, **files: str) -> Path:
    """Writes the kernel files of a machine: path, with ``__`` for ``/``, → text."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def cpuinfo(flags: str, processors: int = 2) -> str:
    return "".join(
        f"processor\t: {number}\nmodel name\t: {EPYC}\nflags\t\t: {flags}\n\n" for number in range(processors)
    )


def test_two_cpus_of_one_name_are_told_apart_by_their_instruction_sets(tmp_path: Path) -> None:
    whole = machine_of(tmp_path / "whole", proc__cpuinfo=cpuinfo(GENOA_FLAGS))
    hidden = machine_of(tmp_path / "hidden", proc__cpuinfo=cpuinfo(GENOA_FLAGS.replace(" avx512_bf16", "")))
    assert read_cpu_model(whole) == read_cpu_model(hidden) == EPYC
    ours, theirs = read_instruction_sets(whole), read_instruction_sets(hidden)
    assert ours is not None
    assert theirs is not None
    assert set(ours) - set(theirs) == {"avx512_bf16"}
    assert "svm" not in ours
    assert ours == sorted(ours)


def test_an_arm_cpu_has_numbers_for_a_name_and_neon_for_asimd(tmp_path: Path) -> None:
    root = machine_of(
        tmp_path,
        proc__cpuinfo="processor\t: 0\nFeatures\t: fp asimd asimddp sve i8mm bf16 sha3\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd4f\n\nprocessor\t: 1\nFeatures\t: fp\n",
    )
    assert read_cpu_model(root) == "ARM implementer 0x41, part 0xd4f"
    assert read_instruction_sets(root) == ["bf16", "dotprod", "i8mm", "neon", "sve"]


def test_without_the_kernels_files_nothing_is_guessed(tmp_path: Path) -> None:
    assert read_instruction_sets(tmp_path) is None
    assert count_physical_cores(frozenset({0}), tmp_path) is None
    assert read_cpu_quota_cores(tmp_path) is None
    assert read_numa_nodes(frozenset({0}), tmp_path) is None


def test_two_threads_of_one_core_are_one_core(tmp_path: Path) -> None:
    files: dict[str, str] = {}
    for cpu, core in enumerate((0, 1, 0, 1)):
        folder = f"sys__devices__system__cpu__cpu{cpu}__topology__"
        files |= {f"{folder}physical_package_id": "0\n", f"{folder}core_id": f"{core}\n"}
    root = machine_of(tmp_path, **files)
    assert count_physical_cores(frozenset({0, 2}), root) == 1
    assert count_physical_cores(frozenset({0, 1}), root) == 2


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"proc__self__cgroup": "0::/pod/box\n", "sys__fs__cgroup__pod__box__cpu.max": "150000 100000\n"}, 1.5),
        ({"proc__self__cgroup": "0::/pod/box\n", "sys__fs__cgroup__pod__box__cpu.max": "max 100000\n"}, None),
        # In a container, the path is the host's, but the mount starts at the container's own group.
        ({"proc__self__cgroup": "0::/host/box\n", "sys__fs__cgroup__cpu.max": "400000 100000\n"}, 4.0),
        # The tightest limit of the group and its parents applies.
        (
            {
                "proc__self__cgroup": "0::/pod/box\n",
                "sys__fs__cgroup__pod__box__cpu.max": "800000 100000\n",
                "sys__fs__cgroup__pod__cpu.max": "200000 100000\n",
            },
            2.0,
        ),
        (
            {
                "proc__self__cgroup": "4:cpu,cpuacct:/job\n3:memory:/job\n",
                "sys__fs__cgroup__cpu,cpuacct__job__cpu.cfs_quota_us": "50000\n",
                "sys__fs__cgroup__cpu,cpuacct__job__cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "proc__self__cgroup": "1:cpu:/\n",
                "sys__fs__cgroup__cpu__cpu.cfs_quota_us": "-1\n",
                "sys__fs__cgroup__cpu__cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
    ],
)
def test_a_control_groups_limit_on_cpu_time_is_known(
    tmp_path: Path, files: dict[str, str], cores: float | None
) -> None:
    assert read_cpu_quota_cores(machine_of(tmp_path, **files)) == cores


@pytest.mark.parametrize(
    ("line", "policy", "memory_nodes"),
    [
        ("5600 default file=/usr/bin/python N0=2", "default", [0, 1]),
        ("5600 default heap anon=3", "default", [0, 1]),
        ("5600 bind:1 file=/usr/bin/python N1=2", "bind", [1]),
        ("5600 interleave=static:0-1 anon=2", "interleave", [0, 1]),
        ("5600 weighted interleave:0", "weighted interleave", [0]),
        ("5600 prefer (many):0 anon=2", "prefer (many)", [0, 1]),
        ("", None, [0, 1]),
    ],
)
def test_memory_nodes_are_told_with_those_that_this_process_may_use(
    tmp_path: Path, line: str, policy: str | None, memory_nodes: list[int]
) -> None:
    root = machine_of(
        tmp_path,
        sys__devices__system__node__node0__cpulist="0-3\n",
        sys__devices__system__node__node1__cpulist="4-7\n",
        proc__self__status="Name:\tx\nMems_allowed_list:\t0-1\n",
        proc__self__numa_maps=f"{line}\n5700 default\n",
    )
    assert read_numa_nodes(frozenset({0, 1}), root) == {
        "nodes": 2,
        "cpu_nodes": [0],
        "memory_nodes": memory_nodes,
        "memory_policy": policy,
    }


def test_lists_of_cpus_are_read_as_linux_writes_them() -> None:
    assert parse_cpu_list("0-2,8\n") == {0, 1, 2, 8}
    assert parse_cpu_list("") == frozenset()


@dataclass(frozen=True)
class Restricted:
    """The machine as described by a process that is limited to other kernels, and then to one core as well."""

    kernels: dict[str, Any]
    #: Limited to one core only if the system can.
    core: dict[str, Any]


@pytest.fixture(scope="module")
def restricted() -> Restricted:
    code = (
        "import json, os\n"
        "from falcon_exp.worker.machine import describe_machine\n"
        "print(json.dumps(describe_machine()))\n"
        "if hasattr(os, 'sched_setaffinity'):\n"
        "    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "print(json.dumps(describe_machine()))\n"
    )
    env = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    return Restricted(*(json.loads(line) for line in done.stdout.splitlines()))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_usable_cores_are_those_of_this_process_not_of_the_machine(restricted: Restricted) -> None:
    assert restricted.core["usable_logical_cores"] == 1
    assert restricted.core["usable_physical_cores"] in (1, None)


def test_the_kernels_told_are_those_that_the_library_chose(restricted: Restricted) -> None:
    plain = describe_machine()
    kernels = plain["bitsandbytes"]
    assert kernels["native_library"].startswith("libbitsandbytes_")
    if plain["torch_cpu_capability"] != "AVX512":
        pytest.skip("this CPU has no AVX-512, so torch has no other choice to make")
    assert kernels["cpu_int8"] == "int-mm"
    # The same CPU, restricted: torch and bitsandbytes then choose other kernels, and those are reported.
    held = restricted.kernels
    assert held["cpu_instruction_sets"] == plain["cpu_instruction_sets"]
    assert held["torch_cpu_capability"] == "AVX2"
    assert held["bitsandbytes"]["cpu_int8"] == "float"


def test_a_worker_tells_its_machine_and_other_kernels_are_another_machine(
    shared_worker: WorkerDriver, restricted: Restricted
) -> None:
    plain = shared_worker.environment
    assert plain["machine"]["bitsandbytes"]["native_library"].startswith("libbitsandbytes_")
    # What restricts the kernels is told as well.
    assert "ATEN_CPU_CAPABILITY" in environment._VARIABLES
    if plain["machine"]["torch_cpu_capability"] != "AVX512":
        pytest.skip("this CPU has no AVX-512, so torch has no other choice to make")
    ours, theirs = read_machine_traits(plain), read_machine_traits({**plain, "machine": restricted.kernels})
    assert {name for name in ours if ours[name] != theirs[name]} == {"torch's CPU kernels", "int8 on the CPU"}
