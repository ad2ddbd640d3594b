"""Maps exceptions of libraries to error codes, by the names of their classes and the words of their messages.

The words are those of torch and of the layers below it: CUDA's and HIP's runtimes, cuBLAS, cuDNN and their ROCm
counterparts, Metal and Level Zero. Libraries are not imported here, so classes are recognized by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from falcon_exp.worker.wire_types import ErrorCode


@dataclass(frozen=True)
class Rule:
    """One kind of exception and its code."""

    code: ErrorCode
    #: Names that the exception's class or one of its bases may have; empty means any.
    classes: frozenset[str]
    pattern: re.Pattern[str] | None = None

    def matches(self, class_names: Iterable[str], text: str, *, is_told: bool) -> bool:
        """Whether the rule applies. ``is_told``: the exception is known from a text, which names no base classes."""
        if self.pattern is not None and self.pattern.search(text) is None:
            return False
        if not self.classes or any(name in self.classes for name in class_names):
            return True
        return is_told and self.pattern is not None


def _rule(code: ErrorCode, *classes: str, pattern: str | None = None) -> Rule:
    compiled = None if pattern is None else re.compile(pattern, re.IGNORECASE)
    return Rule(code, frozenset(classes), compiled)


_DEVICE = r"(CUDA|HIP|GPU|ROCm|XPU)"

#: The device ran out of memory, in whichever library.
_DEVICE_MEMORY = (
    rf"{_DEVICE}( driver)?( error:)? out of memory|MPS backend out of memory"
    r"|(cuda|hip)Error(MemoryAllocation|OutOfMemory)"
    r"|(CUBLAS|HIPBLAS|CUSOLVER|CUSPARSE|CUFFT|CUDNN)_(STATUS_)?ALLOC_FAILED|INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"
    r"|rocblas_status_memory_error|miopenStatusAllocFailed|UR_RESULT_ERROR_OUT_OF_(DEVICE_MEMORY|RESOURCES)"
    r"|kIOGPUCommandBufferCallbackErrorOutOfMemory|Invalid buffer size: [\d.]+ [KMGT]i?B"
)
#: Another process holds the device, which does not admit a second one.
_BUSY = (
    r"device\(s\) is/are busy or unavailable|devices are busy or unavailable"
    r"|device already in use by a different thread|cudaErrorDevicesUnavailable"
    r"|(cuda|hip)Error(DeviceAlreadyInUse|ContextAlreadyInUse)"
)
#: A computation on the device went wrong, and everything that this process had there is lost.
_FAULT = (
    rf"{_DEVICE}.*(device-side assert|illegal (memory access|instruction|address)|misaligned address"
    r"|invalid (address space|program counter)|unspecified launch failure|launch timed out"
    r"|hardware stack error)|hipError(IllegalAddress|Assert|LaunchFailure|LaunchTimeOut)"
    r"|kIOGPUCommandBufferCallbackError(PageFault|Hang|Timeout)"
)
#: The device itself is gone, or no longer to be trusted.
_LOST = (
    rf"{_DEVICE}.*(uncorrectable (NVLink|ECC) error|ECC error|no (CUDA|ROCm)-capable device|device (was )?not found"
    r"|invalid device ordinal|driver shutting down|external device|(is|was) lost|fallen off"
    r"|unknown error)"
    r"|hipError(NoDevice|InvalidDevice|ECCNotCorrectable)|UR_RESULT_ERROR_DEVICE_LOST"
)
#: The installed library has no code for this device.
_UNSUPPORTED = r"no kernel image is available|device kernel image is invalid|hipErrorNoBinaryForGpu" + (
    rf"|{_DEVICE} error: invalid device function"
)
_ABSENT = (
    r"Found no NVIDIA driver|NVIDIA driver on your system is too old|No (CUDA|HIP|XPU) (GPUs|devices) are available"
    r"|CUDA driver version is insufficient|driver/library version mismatch|Torch not compiled with \w+ enabled"
)

# Order matters: the first rule that matches wins.
ANYWHERE = (
    _rule("out-of-memory-device", "OutOfMemoryError"),
    _rule("out-of-memory-device", "RuntimeError", pattern=_DEVICE_MEMORY),
    # `device: auto` found no room on the GPU for some modules, and bitsandbytes cannot leave them to the CPU.
    _rule("out-of-memory-device", "ValueError", pattern=r"modules are dispatched on the CPU or the disk"),
    _rule("fork-poisoned", "RuntimeError", pattern=r"Cannot re-initialize \w+ in forked subprocess"),
    _rule("device-busy", "RuntimeError", pattern=_BUSY),
    _rule("device-unsupported", "RuntimeError", pattern=_UNSUPPORTED),
    _rule("device-fault", "RuntimeError", pattern=_FAULT),
    _rule("device-lost", "NVMLError_GpuIsLost"),
    _rule("device-lost", "RuntimeError", pattern=_LOST),
    _rule("device-unavailable", "RuntimeError", "AssertionError", pattern=_ABSENT),
    _rule("out-of-memory-host", "MemoryError"),
    _rule(
        "out-of-memory-host",
        "RuntimeError",
        pattern=r"can't allocate memory|DefaultCPUAllocator|INTERNAL_ERROR_HOST_ALLOCATION_FAILED"
        r"|UR_RESULT_ERROR_OUT_OF_HOST_MEMORY",
    ),
    _rule("out-of-memory-host", "OSError", pattern=r"Cannot allocate memory"),
)
LOADING = (
    _rule("model-gated", "GatedRepoError"),
    _rule("model-revision-unknown", "RevisionNotFoundError"),
    # Before the next rule, because its message always mentions gated repositories.
    _rule("model-not-found", "RepositoryNotFoundError", "HFValidationError"),
    _rule("model-gated", "OSError", pattern=r"gated repo|awaiting a review"),
    _rule("model-revision-unknown", "OSError", pattern=r"not a valid git identifier"),
    _rule(
        "model-not-found",
        "OSError",
        pattern=r"not a valid model identifier|is not a local folder|Repository not found",
    ),
    _rule("hub-unreachable", "LocalEntryNotFoundError", "OfflineModeIsEnabled"),
    _rule(
        "hub-unreachable",
        "OSError",
        pattern=r"couldn't connect|can't load .* offline|Name or service not known|Max retries|connection error",
    ),
    _rule("hub-unreachable", "ConnectError", "ConnectionError", "ConnectTimeout", "ReadTimeout"),
    _rule("remote-code-refused", "ValueError", pattern=r"trust_remote_code"),
    _rule(
        "attention-unavailable",
        "ImportError",
        "ValueError",
        "RuntimeError",
        pattern=r"flash.?attention|flash_attn|attn_implementation",
    ),
    # Before the next rule, because an environment without these libraries is complete.
    _rule("tokenizer-library-missing", "ImportError", "ValueError", pattern=r"sentencepiece|tiktoken|protobuf"),
    _rule("import-failed", "ImportError"),
    _rule("tokenizer-missing", "ValueError", "OSError", pattern=r"instantiate the backend tokenizer|load tokenizer"),
    _rule("model-corrupt", "SafetensorError", "JSONDecodeError", "UnicodeDecodeError"),
    _rule("model-corrupt", "StrictDataclassFieldValidationError", "StrictDataclassClassValidationError"),
    _rule("model-corrupt", "OSError", pattern=r"not a valid JSON file|safetensors"),
    _rule("model-corrupt", "RuntimeError", pattern=r"size mismatch|mismatched[ _]sizes"),
    _rule(
        "model-architecture-unknown",
        "ValueError",
        pattern=r"does not recognize this architecture|Unrecognized model identifier",
    ),
    _rule("model-corrupt", "ValueError", pattern=r"Unrecognized model|must be divisible by"),
)
GENERATING = (
    _rule("prompt-too-long", "ValueError", pattern=r"Input length of .* but .max_length. is set to"),
    _rule("generation-invalid", "ValueError", "TypeError", pattern=r"generation|model_kwargs|temperature|top_[kp]"),
)
