"""Chooses the kind of accelerator that this process uses."""

from __future__ import annotations

import torch

from falcon_exp.worker.devices.accelerator import Accelerator
from falcon_exp.worker.devices.amd import AmdDriver
from falcon_exp.worker.devices.apple import AppleAccelerator
from falcon_exp.worker.devices.cuda import CudaAccelerator, Driver
from falcon_exp.worker.devices.intel import IntelAccelerator
from falcon_exp.worker.devices.nvml import NvmlDriver
from falcon_exp.worker.devices.simulated import card_file
from falcon_exp.worker.devices.simulated.accelerator import SimulatedAccelerator
from falcon_exp.worker.devices.simulated.driver import install


def open_accelerator() -> Accelerator | None:
    """The first kind that has a device; None on a machine with CPUs alone. Starts no driver on NVIDIA's cards.

    Never called in a forkserver: if NVML does not answer, torch has to ask the driver.
    """
    simulated = card_file.read_from_environment()
    if simulated is not None:
        return SimulatedAccelerator(simulated, install()) if simulated.cards else None
    if torch.cuda.is_available():
        driver: Driver = AmdDriver() if torch.version.hip is not None else NvmlDriver()
        return CudaAccelerator(driver)
    if getattr(torch, "xpu", None) is not None and torch.xpu.is_available():
        return IntelAccelerator()
    if torch.backends.mps.is_available():
        return AppleAccelerator()
    return None
