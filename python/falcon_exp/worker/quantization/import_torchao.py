"""torchao, imported where a configuration needs it and nowhere else.

Transformers 5.23 imports it with its list of quantizers wherever it is installed (quantizers/quantizer_torchao.py): in
every process, whatever is asked for, it would be in the start and in the memory that is measured. peft 0.21 imports it
with the first layer that it looks at (tuners/lora/torchao.py).
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LIBRARY = "torchao"
#: Those of Transformers that import it where it can be found.
_IMPORTING = ("transformers.quantizers.quantizer_torchao", "transformers.integrations.torchao")


@contextmanager
def torchao_left_out() -> Iterator[None]:
    """Within, torchao is as though it were not installed, unless it has been imported already."""
    if _LIBRARY in sys.modules:
        yield
        return
    # By Python's own rule no import finds a module that stands there as None.
    sys.modules[_LIBRARY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_LIBRARY]


def import_quantizers_alone() -> None:
    """Imports Transformers' list of quantizers without torchao."""
    with torchao_left_out():
        importlib.import_module("transformers.quantizers.auto")


def import_torchao() -> None:
    """Imports it, and Transformers' own code for it with it. Raises ImportError where it is not installed."""
    from transformers.utils import import_utils

    with warnings.catch_warnings():
        # That it finds no CUDA for its kernels, and that PyTorch deprecates what it does: on every machine the same.
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            importlib.import_module(_LIBRARY)
            if not import_utils.is_torchao_available():
                import_utils.is_torchao_available.cache_clear()
                for name in _IMPORTING:
                    if name in sys.modules:
                        importlib.reload(sys.modules[name])
        finally:
            logging.disable(before)
