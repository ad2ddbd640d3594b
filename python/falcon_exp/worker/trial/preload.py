"""Imported once by the forkserver, so that each trial process is forked with the libraries already there.

A failure is kept, not raised: the forkserver would swallow an ImportError and die of anything else, and in both
cases nobody would learn why. ``failure`` is read in the forked process.
"""

from __future__ import annotations

import gc
import os
import signal

from falcon_exp.worker.supervisor.parent_watch import signal_at_parents_end

# The imports below take seconds in which the forkserver listens to nobody.
signal_at_parents_end(signal.SIGKILL)

# Imports make objects and no garbage: collecting among them costs a second and frees nothing.
gc.disable()

# CUDA's driver must stay untouched here: a forked process cannot use a context that its parent made. With this,
# torch asks NVML whether there is a GPU instead of initializing the driver.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

failure: BaseException | None = None

try:
    import accelerate  # noqa: F401
    import gguf  # noqa: F401
    import torch
    import transformers

    # transformers imports lazily: these are what loading and generating need, whatever the model.
    from transformers import (  # noqa: F401
        AutoConfig,
        AutoModelForCausalLM,
        AutoTokenizer,
        BitsAndBytesConfig,
        GenerationConfig,
    )
    from transformers.integrations import bitsandbytes as _integration  # noqa: F401
    from transformers.quantizers import quantizer_bnb_4bit, quantizer_bnb_8bit  # noqa: F401

    from falcon_exp.worker import environment  # noqa: F401
    from falcon_exp.worker.trial import trial  # noqa: F401

    transformers.utils.logging.disable_progress_bar()
    # `import bitsandbytes` asks a GPU for its compute capability, which makes a CUDA context: where there is a GPU,
    # each trial process imports it by itself.
    if not torch.cuda.is_available():
        import bitsandbytes  # noqa: F401
    if torch.cuda.is_initialized():
        raise RuntimeError("importing the libraries initialized CUDA, so forked processes could not use it")
except BaseException as error:
    failure = error

# What the libraries made stays: a collection before each trial need not look at it, nor touch pages that are shared
# with the forked processes.
gc.freeze()
gc.enable()
