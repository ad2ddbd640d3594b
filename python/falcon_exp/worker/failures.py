"""The one error type of the worker, and how foreign exceptions become it (docs/errors.md)."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass


class WorkerError(Exception):
    """A failure with a code of the taxonomy; its message is one sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class _Rule:
    """A foreign exception, known by the name of its class and by words of its message."""

    code: str
    #: Names of classes, own or inherited; empty = any.
    classes: frozenset[str]
    pattern: re.Pattern[str] | None = None

    def matches(self, error: BaseException) -> bool:
        if self.classes and not any(cls.__name__ in self.classes for cls in type(error).__mro__):
            return False
        return self.pattern is None or self.pattern.search(str(error)) is not None


def _rule(code: str, *classes: str, pattern: str | None = None) -> _Rule:
    compiled = None if pattern is None else re.compile(pattern, re.IGNORECASE)
    return _Rule(code, frozenset(classes), compiled)


#: What CUDA says when a GPU fell off the bus, was reset, or lost its state: this process cannot use it any more.
_LOST = (
    r"unspecified launch failure|launch timed out|illegal memory access|uncorrectable (NVLink|ECC) error"
    r"|no CUDA-capable device|CUDA-capable device\(s\) is/are busy|device (was )?not found|invalid device ordinal"
    r"|hardware stack error|driver shutting down|(is|was) lost|fallen off"
)

# Libraries are not imported here, so classes go by name. Order matters: the first rule that matches wins.
_ANYWHERE = (
    _rule("out-of-memory-device", "OutOfMemoryError"),
    _rule("out-of-memory-device", "RuntimeError", pattern=r"CUDA (error: )?out of memory|MPS backend out of memory"),
    _rule("device-lost", "RuntimeError", pattern=rf"(CUDA|GPU).*({_LOST})"),
    _rule("out-of-memory-host", "MemoryError"),
    _rule("out-of-memory-host", "RuntimeError", pattern=r"can't allocate memory|DefaultCPUAllocator"),
    _rule("out-of-memory-host", "OSError", pattern=r"Cannot allocate memory"),
)
_LOADING = (
    _rule("model-gated", "GatedRepoError"),
    _rule("model-gated", "OSError", pattern=r"gated repo|awaiting a review"),
    _rule("model-revision-unknown", "RevisionNotFoundError"),
    _rule("model-revision-unknown", "OSError", pattern=r"not a valid git identifier"),
    _rule("model-not-found", "RepositoryNotFoundError", "HFValidationError"),
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
    _rule("import-failed", "ImportError"),
    _rule("tokenizer-missing", "ValueError", "OSError", pattern=r"instantiate the backend tokenizer|load tokenizer"),
    _rule("model-corrupt", "SafetensorError", "JSONDecodeError", "UnicodeDecodeError"),
    _rule("model-corrupt", "StrictDataclassFieldValidationError", "StrictDataclassClassValidationError"),
    _rule("model-corrupt", "OSError", pattern=r"not a valid JSON file|safetensors"),
    _rule("model-corrupt", "RuntimeError", pattern=r"size mismatch|mismatched[ _]sizes"),
    _rule(
        "model-corrupt",
        "ValueError",
        pattern=r"Unrecognized model|does not recognize this architecture|must be divisible by",
    ),
)
_GENERATING = (
    _rule("prompt-too-long", "ValueError", pattern=r"Input length of .* but .max_length. is set to"),
    _rule("generation-invalid", "ValueError", "TypeError", pattern=r"generation|model_kwargs|temperature|top_[kp]"),
)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what caused it, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def classify(error: BaseException, phase: str) -> tuple[str, str]:
    """Gives (code, message) for any exception raised in ``phase``."""
    if isinstance(error, WorkerError):
        return error.code, error.message
    rules = _ANYWHERE + (_LOADING if phase == "load" else _GENERATING if phase in ("warmup", "measure") else ())
    for link in _chain(error):
        for rule in rules:
            if rule.matches(link):
                return rule.code, _first_lines(link)
    return "worker-exception", _first_lines(error)


def _first_lines(error: BaseException, limit: int = 1000) -> str:
    text = str(error).strip() or "no message"
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return f"{type(error).__name__}: {shown}"


def traceback_of(error: BaseException, limit: int = 20_000) -> str:
    """The traceback as text, its beginning cut where it is endless."""
    text = "".join(traceback.format_exception(error))
    return text if len(text) <= limit else "…" + text[-limit:]


def error_body(error: BaseException, phase: str) -> dict[str, object]:
    """The body of an ``error`` message for an exception that a living process caught."""
    code, message = classify(error, phase)
    expected = isinstance(error, WorkerError)
    return {
        "code": code,
        "message": message,
        "phase": phase,
        "traceback": None if expected else traceback_of(error),
        "exit_code": None,
        "signal": None,
    }
