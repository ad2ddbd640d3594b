"""What the worker reports about the machine. Never secrets: environment variables come from an allow-list."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from falcon_exp.worker.devices.bandwidth import MOST_BYTES_VARIABLE
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.machine import describe_machine, read_cpu_model
from falcon_exp.worker.requirements import EXTRAS, find_version

#: Distributions whose version can change a measurement.
_PACKAGES = (
    "torch",
    "transformers",
    "bitsandbytes",
    "accelerate",
    "tokenizers",
    "safetensors",
    "huggingface-hub",
    "numpy",
    "gguf",
    "triton",
    "flash-attn",
    "kernels",
    *(requirement.package for requirement in EXTRAS.values()),
    "mslk",
    "gptqmodel",
    "auto-round",
    "pyzmq",
    "psutil",
    "nvidia-ml-py",
    "jsonschema",
)
#: Variables that affect the libraries' speed or memory and hold no secrets.
_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "FALCON_EXP_SIMULATED_ACCELERATOR",
    MOST_BYTES_VARIABLE,
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_LAUNCH_BLOCKING",
    "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_ALLOC_CONF",
    "BNB_CUDA_VERSION",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "MKL_NUM_THREADS",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "KMP_AFFINITY",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "TOKENIZERS_PARALLELISM",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "SLURM_JOB_ID",
    "SLURM_CPUS_PER_TASK",
)


def capture_environment(devices: Devices) -> dict[str, Any]:
    """``environmentSchema`` of the wire format."""
    # Read first: otherwise the bandwidth measurement would be taken for somebody else's work.
    state = devices.read_machine_state()
    return {
        "python_version": platform.python_version(),
        "python_executable": sys.executable,
        "packages": {name: found for name in _PACKAGES if (found := find_version(name)) is not None},
        "platform": platform.platform(),
        "cpu_model": read_cpu_model(),
        "cpu_logical_cores": psutil.cpu_count(logical=True),
        "cpu_physical_cores": psutil.cpu_count(logical=False),
        "memory_total_bytes": int(psutil.virtual_memory().total),
        "torch_threads": torch.get_num_threads(),
        "cuda_version": torch.version.cuda,
        "gpu_driver_version": devices.read_driver_version(),
        "gpus": [card.to_wire() for card in devices.describe()],
        "machine_state": state,
        "memory_bandwidth": devices.measure_bandwidth(),
        "machine": describe_machine(),
        "environment_variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "worker_code_sha256": worker_code_sha256(),
    }


def worker_code_sha256(folder: Path = Path(__file__).parents[2]) -> str:
    """Hex SHA-256 of the sources as src/plan/worker-code.ts computes it: a line ``path NUL hash`` per file, sorted.

    Covers only the part of the package that a trial process runs: what notebooks import cannot change a measurement.
    """
    package = folder / "falcon_exp"
    files = [package / "__init__.py"]
    for part in ("worker", "schema"):
        files += [*package.glob(f"{part}/**/*.py"), *package.glob(f"{part}/**/*.json")]
    total = hashlib.sha256()
    for path, file in sorted((file.relative_to(folder).as_posix(), file) for file in files):
        if "__pycache__" in path:
            continue
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{path}\0{digest}\n".encode())
    return total.hexdigest()
