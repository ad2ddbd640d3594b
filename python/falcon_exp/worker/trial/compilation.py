"""``compile: forward``: ``generate`` itself compiles the decoding forward pass, over a static cache."""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.wire_types import Generation


class Compilations:
    """How often torch compiled something, or recorded a graph of it, and how long that took."""

    def __init__(self) -> None:
        self.count = 0
        self.sec = 0.0
        self._began = 0.0

    def begin(self, _event: object) -> None:
        """Called by torch when a compilation begins; nested compilations count as one."""
        self._began = time.perf_counter()

    def end(self, _event: object) -> None:
        """Called by torch when a compilation ends."""
        self.count += 1
        self.sec += time.perf_counter() - self._began


@contextmanager
def count_compilations(model: Any, asked: str | None) -> Iterator[Compilations | None]:
    """Counts compilations while entered; yields None if nothing can be compiled.

    Raises WorkerError ``compile-unsettled`` where torch compiles no more and would run uncompiled without a word.
    """
    if asked != "forward" and (asked == "none" or model.generation_config.cache_implementation is None):
        yield None
        return
    from torch._dynamo import config as dynamo
    from torch._dynamo.callback import callback_handler
    from torch._dynamo.exc import FailOnRecompileLimitHit

    count = Compilations()
    callback_handler.register_start_callback(count.begin)
    callback_handler.register_end_callback(count.end)
    try:
        with dynamo.patch(fail_on_recompile_limit_hit=True):
            yield count
    except FailOnRecompileLimitHit as error:
        raise WorkerError(
            "compile-unsettled",
            f"The model was compiled {dynamo.recompile_limit} times, and torch compiles it no more.",
        ) from error
    finally:
        callback_handler.remove_start_callback(count.begin)
        callback_handler.remove_end_callback(count.end)


def apply_compile(settings: Any, generation: Generation, device: str) -> None:
    """Turns compilation on or off as asked, and off if only a cache was asked for; otherwise the library decides."""
    asked = generation.get("compile")
    if asked == "forward":
        from transformers import CompileConfig

        # The shapes never change: each step reads one token per row, and the cache keeps its size.
        config = CompileConfig(dynamic=False, mode="default" if device == "cpu" else "reduce-overhead")
        # Without this, the library compiles only on accelerators.
        config._compile_all_devices = True
        settings.compile_config = config
    elif asked == "none" or generation.get("cache") is not None:
        settings.disable_compile = True


def refuse_uncompilable(model: Any, asked: str | None) -> None:
    """Raises WorkerError ``compile-unavailable`` with the reason, before anything is generated."""
    if asked != "forward":
        return
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is not None and not quantizer.is_compileable:
        raise _unavailable("Transformers cannot compile models that are quantized with this method")
    reason = _find_missing_compiler(model.device.type)
    if reason is not None:
        raise _unavailable(reason)
    import torch._inductor.config as inductor

    # A pool of compiler processes would keep running beside the measurement, and code cached by an earlier process
    # would look like a compilation that costs nothing.
    inductor.compile_threads = 1
    inductor.force_disable_caches = True


def verify_compiled(model: Any, asked: str | None) -> None:
    """Raises WorkerError ``compile-unavailable`` if the library did not compile the model."""
    if asked == "forward" and getattr(model, "_compiled_call", None) is None:
        raise _unavailable(f"Transformers did not compile {type(model).__name__} on {model.device.type}")


def _find_missing_compiler(device: str) -> str | None:
    if device == "cpu":
        return _find_missing_cpp()
    if device in ("cuda", "xpu"):
        if find_spec("triton") is None:
            return "Triton, by which kernels are compiled, is not installed"
        if which(os.environ.get("CC", "")) is None and not any(map(which, ("cc", "gcc", "clang"))):
            return "there is no C compiler (cc, gcc or clang)"
        return None
    return f"compilation is not supported on {device}"


def _find_missing_cpp() -> str | None:
    from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        get_cpp_compiler()
    except Exception:
        return "there is no C++ compiler (g++ or clang++)"
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if sys.platform == "linux" and not header.is_file():
        return f"Python's headers are missing ({header})"
    return None


def _unavailable(why: str) -> WorkerError:
    return WorkerError("compile-unavailable", f"compile: forward cannot run here: {why}.")
