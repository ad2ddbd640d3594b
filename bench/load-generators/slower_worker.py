"""falcon-exp's worker, which slows down configurations with ``skip_modules`` by ``slow_down`` (`load-generators.ts different`).

Takes the worker's own arguments; PYTHONPATH must hold this folder, for the forkserver, which imports this file as a module.
FALCON_EXP_BENCH_SLOWER says how many of ten layers work twice. What is changed is changed in memory.
"""

import os
import sys
from pathlib import Path
from typing import Any

VARIABLE = "FALCON_EXP_BENCH_SLOWER"


def change_supervisor() -> None:
    from falcon_exp.worker.supervisor import launcher, main

    class Launcher(launcher.Launcher):
        def __init__(self) -> None:
            super().__init__()
            self._context.set_forkserver_preload([Path(__file__).stem])

    main.Launcher = Launcher  # type: ignore[misc]


def change_trials(of_ten: int) -> None:
    from falcon_exp.worker.trial import trial
    from slow_down import slow_down

    load = trial.load

    def load_slower(configuration: dict[str, Any], *others: Any) -> Any:
        loaded = load(configuration, *others)
        if configuration["quantization"]["skip_modules"]:
            slow_down(loaded.model, of_ten)
        return loaded

    trial.load = load_slower


if __name__ == "__main__":
    change_supervisor()
    from falcon_exp.worker.supervisor.main import main

    sys.exit(main())
elif Path(__file__).stem not in sys.modules or __name__ != "__mp_main__":
    # The forkserver's preload, or the main module of a spawned process; a forked one has it all.
    from falcon_exp.worker.trial import preload  # noqa: F401

    change_trials(int(os.environ[VARIABLE]))
