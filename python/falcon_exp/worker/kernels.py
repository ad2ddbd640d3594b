"""Which of its kernels bitsandbytes really uses here: it chooses them at import, by device and instruction sets.

The choices are read from where the library keeps them, not guessed from the CPU. A later version may keep them
elsewhere: a choice that cannot be read is None.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def describe_kernels() -> dict[str, Any] | None:
    """``bitsandbytesKernelsSchema`` of the wire format; None if bitsandbytes cannot be imported.

    Importing it asks an accelerator for its capability: never call this in the forkserver.
    """
    try:
        from bitsandbytes import cextension, functional
    except Exception:
        return None
    # Not getattr: the library answers every unknown name with a function that raises.
    loaded = vars(cextension.lib).get("_lib")
    has_native = loaded is not None
    return {
        "native_library": Path(loaded._name).name if has_native else None,
        "cpu_4bit": _read_cpu_4bit(has_native, getattr(functional, "has_avx512bf16", None)),
        "cpu_int8": _read_cpu_int8(),
    }


def _read_cpu_4bit(has_native: bool, has_avx512bf16: Callable[[], Any] | None) -> str | None:
    """``fused`` or ``hub-fused`` if one AVX512-BF16 kernel reads packed weights; else each product unpacks them."""
    if not has_native:
        return "unpacked-by-torch"
    if has_avx512bf16 is None:
        return None
    if not has_avx512bf16():
        return "unpacked"
    ops = _find_cpu_ops()
    # The name exists only if the library made the choice.
    if not hasattr(ops, "gemm_4bit_forward_kernel"):
        return None
    return "fused" if ops.gemm_4bit_forward_kernel is None else "hub-fused"


def _read_cpu_int8() -> str | None:
    """``int-mm`` for integer products by torch's own kernel, which needs AVX-512; ``float`` for floating point."""
    has_avx512 = getattr(_find_cpu_ops(), "_has_avx512", None)
    return None if has_avx512 is None else "int-mm" if has_avx512 else "float"


def _find_cpu_ops() -> Any:
    try:
        from bitsandbytes.backends.cpu import ops
    except Exception:
        return None
    return ops
