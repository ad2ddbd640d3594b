"""Makes torch report a bad fork in every forked process, as if CUDA were initialized. Python imports this by itself."""

import os
import sys


def _poison() -> None:
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.cuda._is_in_bad_fork = lambda: True


os.register_at_fork(after_in_child=_poison)
