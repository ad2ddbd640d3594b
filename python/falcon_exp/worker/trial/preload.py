"""Imported once by the forkserver, so that each trial process starts with the libraries already imported.

No accelerator's driver may be touched here: a forked process cannot use one that its parent started. bitsandbytes asks
every GPU for its compute capability when it is imported, and so does whatever imports bitsandbytes. If an accelerator
may be visible, these imports are left to ``finish_imports`` in the trial process.

A failure is kept, not raised: the forkserver would swallow an ImportError and die of any other error, and in both
cases nobody would learn why. ``failure`` is read in the forked process.
"""

from __future__ import annotations

import gc
import importlib
import os

from falcon_exp.worker.devices.visible import Visibility, is_in_bad_fork, look_for_accelerators
from falcon_exp.worker.supervisor.parent_watch import end_with_announced_parent

# The imports below take seconds, during which the forkserver reacts to nothing.
end_with_announced_parent()

# Imports create objects but no garbage: collecting garbage meanwhile costs a second and frees nothing.
gc.disable()

# With this, torch asks NVML whether there is a GPU instead of starting the driver.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

#: bitsandbytes and what imports it: if peft is installed, much of transformers does so through it. A load needs all of
#: these, and any that is missing here would be imported within the time of the load.
_TOUCHES_DRIVERS = (
    "bitsandbytes",
    "transformers.integrations.bitsandbytes",
    "transformers.modeling_utils",
    "transformers.modeling_layers",
    "transformers.generation.utils",
    "transformers.trainer_utils",
    "falcon_exp.worker.model_shape",
)

failure: BaseException | None = None
visibility = Visibility("unknown", "the libraries could not be imported")


def finish_imports() -> None:
    """Makes the imports that may start a driver, in the trial process before any clock runs. Raises ImportError."""
    gc.disable()
    try:
        for name in _TOUCHES_DRIVERS:
            importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def find_fork_problem() -> str | None:
    """Returns why a process that was forked after these imports cannot use an accelerator; None if it can."""
    if failure is not None:
        return None
    if visibility.answer == "unknown":
        return f"whether an accelerator is visible cannot be told without starting its driver ({visibility.reason})"
    if is_in_bad_fork(torch):
        return "the libraries started the accelerator's driver while they were imported"
    return None


try:
    import torch

    visibility = look_for_accelerators(torch)

    import accelerate  # noqa: F401
    import gguf  # noqa: F401
    import transformers

    from falcon_exp.worker.quantization.import_torchao import import_quantizers_alone

    import_quantizers_alone()
    # transformers imports lazily: these are what loading and generating need for every model.
    from transformers import (  # noqa: F401
        AutoConfig,
        AutoModelForCausalLM,
        AutoTokenizer,
        BitsAndBytesConfig,
        GenerationConfig,
    )
    from transformers.quantizers import quantizer_bnb_4bit, quantizer_bnb_8bit  # noqa: F401

    from falcon_exp.worker import environment  # noqa: F401
    from falcon_exp.worker.trial import trial  # noqa: F401

    transformers.utils.logging.disable_progress_bar()
    # TRANSFORMERS_VERBOSITY=error in somebody's shell would leave every record without notices.
    transformers.utils.logging.set_verbosity_warning()
    if visibility.answer == "none":
        finish_imports()
except BaseException as error:
    failure = error

# The objects of the libraries stay, so a garbage collection before each trial need not look at them, nor touch pages
# that are shared with the forked processes.
gc.freeze()
gc.enable()
