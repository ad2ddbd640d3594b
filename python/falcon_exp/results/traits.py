"""The traits that identify a machine and the software on it, in words.

The list is the one in src/run/traits.ts, the words are those of src/run/machine-text.ts; test/golden/compare checks
that both sides agree.
"""

from __future__ import annotations

from typing import Any

from falcon_exp.results.schema import Record

#: The value of a trait that a run did not record. None, by contrast, means that it is known not to be there.
UNRECORDED: Any = object()

_BYTES_PER_GIB = 2**30
_FOUR_BIT = {
    "hub-fused": "fused AVX512-BF16 kernel of the kernels package",
    "fused": "fused AVX512-BF16 kernel",
    "unpacked": "unpacked for each product",
    "unpacked-by-torch": "unpacked by torch for each product",
}
_INT8 = {"int-mm": "integer products", "float": "products through floating point"}


def read_machine_traits(environment: Record) -> dict[str, Any]:
    """Traits by name: those of the machine, what libraries chose for it, and driver, CUDA and Python."""
    machine: Record | None = environment.get("machine")
    told: Record = {} if machine is None else machine
    numa: Record | None = told.get("numa")
    kernels: Record = told.get("bitsandbytes") or {}
    sets = told.get("cpu_instruction_sets")
    gpus: list[Record] = environment["gpus"]
    return {
        "CPU": _known(environment["cpu_model"]),
        "CPU instruction sets": UNRECORDED if sets is None else ", ".join(sets) or "none",
        "cores": _known(environment["cpu_logical_cores"]),
        "usable cores": _known(_describe_usable_cores(told)),
        "CPU quota": UNRECORDED if machine is None else _describe_quota(machine["cpu_quota_cores"]),
        "torch threads": _known(environment["torch_threads"]),
        "inter-op threads": _known(told.get("torch_interop_threads")),
        "NUMA nodes": UNRECORDED if numa is None else _describe_numa(numa),
        "GPUs": describe_gpus(gpus),
        "MIG profiles": ", ".join(gpu["mig_profile"] for gpu in gpus if gpu.get("mig_profile")) or None,
        "torch's CPU kernels": _known(told.get("torch_cpu_capability")),
        "bitsandbytes library": _known(kernels.get("native_library")),
        "4-bit on the CPU": _known(_FOUR_BIT.get(kernels.get("cpu_4bit") or "")),
        "int8 on the CPU": _known(_INT8.get(kernels.get("cpu_int8") or "")),
        "GPU driver": environment["gpu_driver_version"],
        "CUDA": environment["cuda_version"],
        "Python": environment["python_version"],
    }


def describe_gpus(gpus: list[Record]) -> str:
    """``2 × NVIDIA A100 (80 GiB), Tesla T4 (15 GiB)``."""
    runs: list[tuple[str, int]] = []
    for gpu in gpus:
        # Half a GiB is rounded up, as the controller's Math.round does.
        size = f"{int(gpu['memory_total_bytes'] / _BYTES_PER_GIB + 0.5)} GiB"
        text = f"{gpu['name']} ({f'simulated, {size}' if gpu.get('is_simulated') else size})"
        if runs and runs[-1][0] == text:
            runs[-1] = (text, runs[-1][1] + 1)
        else:
            runs.append((text, 1))
    return ", ".join(text if count == 1 else f"{count} × {text}" for text, count in runs) or "none"


def _known(value: object) -> Any:
    return UNRECORDED if value is None else str(value)


def _describe_usable_cores(machine: Record) -> str | None:
    logical, physical = machine.get("usable_logical_cores"), machine.get("usable_physical_cores")
    if logical is None or physical is None:
        return None if logical is None else str(logical)
    return f"{logical} on {physical} {'core' if physical == 1 else 'cores'}"


def _describe_quota(cores: float | None) -> str:
    return "none" if cores is None else f"{round(cores, 2):g} cores"


def _describe_numa(numa: Record) -> str:
    parts = [f"{len(numa['cpu_nodes'])} of {numa['nodes']}"]
    if numa["nodes"] > 1:
        is_remote = not set(numa["memory_nodes"]) & set(numa["cpu_nodes"])
        parts.append(f"memory from {len(numa['memory_nodes'])}{', not its own' if is_remote else ''}")
    if numa["memory_policy"] not in (None, "default"):
        parts.append(numa["memory_policy"])
    return ", ".join(parts)
