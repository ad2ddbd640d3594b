"""What torch says in each process forked from one that had initialized CUDA's driver. Python imports this by itself."""

import os
import sys


def _poison() -> None:
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.cuda._is_in_bad_fork = lambda: True


os.register_at_fork(after_in_child=_poison)
