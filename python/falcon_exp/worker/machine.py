"""What determines how fast this machine's processors are: instruction sets, the cores and memory nodes that this
process may use, threads, and the kernels that bitsandbytes chose for them.

Two machines can record the same CPU name and yet differ by a factor of seven in 4-bit decoding: if a hypervisor hides
AVX512-BF16, or an older generation lacks it, bitsandbytes takes another path.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.kernels import describe_kernels

#: Instruction sets by which torch, oneDNN and bitsandbytes choose their kernels, as Linux names them in /proc/cpuinfo.
_X86_SETS = (
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
    "amx_fp16",
)
#: Linux's name → ours: "asimd" is what everybody else calls NEON.
_ARM_SETS = {
    "asimd": "neon",
    "asimddp": "dotprod",
    "fphp": "fp16",
    "bf16": "bf16",
    "i8mm": "i8mm",
    "sve": "sve",
    "sve2": "sve2",
    "svebf16": "svebf16",
    "svei8mm": "svei8mm",
    "sme": "sme",
}


def describe_machine(root: Path = Path("/")) -> dict[str, Any]:
    """``machineSchema`` of the wire format.

    Imports bitsandbytes, which asks an accelerator for its capability: never call this in the forkserver. ``root`` is
    the folder that contains /proc and /sys.
    """
    allowed = _read_allowed_cpus()
    return {
        "cpu_instruction_sets": read_instruction_sets(root),
        "torch_cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "usable_logical_cores": None if allowed is None else len(allowed),
        "usable_physical_cores": None if allowed is None else count_physical_cores(allowed, root),
        "cpu_quota_cores": read_cpu_quota_cores(root),
        "torch_interop_threads": torch.get_num_interop_threads(),
        "numa": None if allowed is None else read_numa_nodes(allowed, root),
        "bitsandbytes": describe_kernels(),
    }


def read_cpu_model(root: Path = Path("/")) -> str | None:
    """The name that the kernel gives; on ARM, which has none, the implementer's and part's numbers. None if unknown."""
    facts = _read_first_processor(root)
    if "model name" in facts:
        return facts["model name"]
    if "CPU part" in facts:
        return f"ARM implementer {facts.get('CPU implementer', '?')}, part {facts['CPU part']}"
    if platform.system() == "Darwin":
        with suppress(OSError, subprocess.SubprocessError):
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            told = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
            if told:
                return told
    return platform.processor() or None


def read_instruction_sets(root: Path = Path("/")) -> list[str] | None:
    """Those of the sets above that the kernel lets programs use, sorted; None if it does not tell."""
    facts = _read_first_processor(root)
    if "flags" in facts:
        return sorted(set(facts["flags"].split()) & set(_X86_SETS))
    if "Features" in facts:
        return sorted(_ARM_SETS[name] for name in set(facts["Features"].split()) & set(_ARM_SETS))
    return None


def _read_first_processor(root: Path) -> dict[str, str]:
    """Keys and values of the first processor in /proc/cpuinfo; empty if there is no such file."""
    facts: dict[str, str] = {}
    text = _read(root / "proc/cpuinfo") or ""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not colon and facts:
            break
        facts[key.strip()] = value.strip()
    return facts


def _read_allowed_cpus() -> frozenset[int] | None:
    """The logical CPUs that this process may run on (taskset, a scheduler, a cpuset); None if they cannot be read."""
    try:
        return frozenset(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return None


def count_physical_cores(cpus: frozenset[int], root: Path = Path("/")) -> int | None:
    """How many cores these logical CPUs belong to: two threads of one core are slower than two cores."""
    cores = set()
    for cpu in cpus:
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
        package, core = _read(folder / "physical_package_id"), _read(folder / "core_id")
        if package is None or core is None:
            return None
        cores.add((package, core))
    return len(cores)


def read_cpu_quota_cores(root: Path = Path("/")) -> float | None:
    """How many cores' worth of time control groups (a container's limit) allow this process; None without a limit.

    The tightest limit of the group and all groups above it applies. In a container, the path that the kernel reports
    may be the host's; parts of it that are not mounted are skipped.
    """
    quotas = [_read_quota(folder) for folder in list_cpu_groups(root)]
    return min((quota for quota in quotas if quota is not None), default=None)


def list_cpu_groups(root: Path = Path("/")) -> list[Path]:
    """Folders of the control groups that this process belongs to and that may limit its CPU time, each once."""
    folders = []
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        mounts = root / "sys/fs/cgroup"
        if controllers == "":
            bases = [mounts, mounts / "unified"]
        elif "cpu" in controllers.split(","):
            bases = [mounts / "cpu", mounts / controllers]
        else:
            continue
        group = Path(path.lstrip("/"))
        folders += [base / part for base in bases for part in (group, *group.parents)]
    return list(dict.fromkeys(folders))


def _read_quota(folder: Path) -> float | None:
    told = _read(folder / "cpu.max")
    if told is not None:
        quota, _, period = told.partition(" ")
    else:
        quota = _read(folder / "cpu.cfs_quota_us") or ""
        period = _read(folder / "cpu.cfs_period_us") or ""
    # "max" and -1 mean no limit.
    if not (quota.isdigit() and period.isdigit() and int(quota) > 0 and int(period) > 0):
        return None
    return int(quota) / int(period)


def read_numa_nodes(cpus: frozenset[int], root: Path = Path("/")) -> dict[str, Any] | None:
    """``numaSchema`` of the wire format: memory nodes, those of these CPUs, and those that memory may come from."""
    cpus_by_node = {}
    for folder in (root / "sys/devices/system/node").glob("node[0-9]*"):
        listed = _read(folder / "cpulist")
        if listed is not None:
            cpus_by_node[int(folder.name.removeprefix("node"))] = parse_cpu_list(listed)
    if not cpus_by_node:
        return None
    policy, policy_nodes = _read_memory_policy(root)
    allowed = _read_status(root, "Mems_allowed_list")
    memory = frozenset(cpus_by_node) if allowed is None else parse_cpu_list(allowed) & frozenset(cpus_by_node)
    return {
        "nodes": len(cpus_by_node),
        "cpu_nodes": sorted(node for node, own in cpus_by_node.items() if own & cpus),
        "memory_nodes": sorted(memory if policy_nodes is None else memory & policy_nodes),
        "memory_policy": policy,
    }


def _read_memory_policy(root: Path) -> tuple[str | None, frozenset[int] | None]:
    """The memory policy that numactl set for the process: its name, and the nodes it allows, None if it allows all."""
    with suppress(OSError), open(root / "proc/self/numa_maps", encoding="ascii", errors="replace") as file:
        # proc(5): an address, then "default", "bind:0-1", "interleave=static:0,2" or "prefer (many):1".
        found = re.match(
            r"\S+ (weighted interleave|prefer \(many\)|[a-z]+)(?:=[a-z|]+)?(?::([0-9,-]+))?(?=\s|$)", file.readline()
        )
        if found is not None:
            name, nodes = found[1], found[2]
            is_bound = nodes is not None and not name.startswith("prefer")
            return name, parse_cpu_list(nodes) if is_bound else None
    return None, None


def _read_status(root: Path, key: str) -> str | None:
    for line in (_read(root / "proc/self/status") or "").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return value.strip()
    return None


def parse_cpu_list(text: str) -> frozenset[int]:
    """Parses ``0-3,8``, which is how Linux writes sets of CPUs and of memory nodes."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last if dash else first) + 1))
    return frozenset(found)


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return None
