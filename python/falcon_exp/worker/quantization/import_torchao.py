"""Imports torchao if a configuration needs it, and never otherwise.

If it is installed, Transformers 5.23 imports it with its list of quantizers (quantizers/quantizer_torchao.py): it would
add to the start and the measured memory of every process, whatever is asked for. peft 0.21 imports it with the first
layer that it looks at (tuners/lora/torchao.py).
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LIBRARY = "torchao"
#: The modules of Transformers that import it if it can be found.
_IMPORTING = ("transformers.quantizers.quantizer_torchao", "transformers.integrations.torchao")


@contextmanager
def torchao_left_out() -> Iterator[None]:
    """While entered, torchao seems not to be installed, unless it has been imported already."""
    if _LIBRARY in sys.modules:
        yield
        return
    # Python refuses to import a module whose entry in sys.modules is None.
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
    """Imports torchao, along with Transformers' own code for it. Raises ImportError if it is not installed."""
    from transformers.utils import import_utils

    with warnings.catch_warnings():
        # It warns that its kernels find no CUDA and that PyTorch deprecates what it does: the same on every machine.
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
