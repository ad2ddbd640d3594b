"""falcon-exp's worker with something switched off, to see what it costs (`npm run bench:overhead -- --diagnose`).

With nothing switched off it is the product's side of the comparison. Three variables change it further:

- FALCON_EXP_BENCH_TIMES names a file, to which it writes when the last generate began and ended, in seconds of
  CLOCK_MONOTONIC: the bench needs these times, and records say only how long the generate took.
- FALCON_EXP_BENCH_PAIRED=1: the plain loop's generate runs at the same time as each measured one, in the same process
  with the same model, a token each in turns. It begins if the trial's id ends with "plain-first". The file then has its
  times and its text, too, and when each of the two ran.
- FALCON_EXP_BENCH_SLOWER says how many of ten layers work twice in configurations with ``skip_modules``
  (`load-generators.ts different`).

Takes the worker's own arguments and `--without NAME,…`; the names are those of SWITCHES in bench/overhead/sides.ts.
PYTHONPATH must contain this folder, for the forkserver. What is switched off is replaced in memory, in the process that
the trial processes are forked from; the worker's files stay as they are.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

#: Inherited by the forkserver, which imports this file as a module.
VARIABLE = "FALCON_EXP_BENCH_WITHOUT"
TIMES = "FALCON_EXP_BENCH_TIMES"
PAIRED = "FALCON_EXP_BENCH_PAIRED"
SLOWER = "FALCON_EXP_BENCH_SLOWER"
ALL = ("progress", "clock", "collect", "freeze", "peak", "meters", "warnings", "heartbeat")


def names() -> set[str]:
    """Returns what is to be switched off in this process."""
    asked = set(os.environ.get(VARIABLE, "").split(","))
    return asked | set(ALL) if "all" in asked else asked


def replace(place: object, name: str, value: object) -> None:
    """Replaces a name. Raises AttributeError if there is none: a switch without effect would seem to cost nothing."""
    getattr(place, name)
    setattr(place, name, value)


def _import_trial() -> Any:
    """Imports the module as ``Any``, because the names that it imports are replaced there, which types do not know."""
    return importlib.import_module("falcon_exp.worker.trial.trial")


def change_supervisor(off: set[str]) -> None:
    """Changes the supervisor: which process the trials come from, and the heartbeat."""
    import multiprocessing

    from falcon_exp.worker.supervisor import launcher, main, supervisor

    class Launcher(launcher.Launcher):
        def __init__(self) -> None:
            super().__init__()
            self._context.set_forkserver_preload([Path(__file__).stem])
            if "fork" in off:
                self._context = multiprocessing.get_context("spawn")

    replace(main, "Launcher", Launcher)
    if "heartbeat" in off:
        replace(supervisor, "HEARTBEAT_SEC", 3600.0)


def change_trials(off: set[str]) -> None:
    """Changes the process that the trials are forked from."""
    import gc
    import logging

    from falcon_exp.worker.devices.model_devices import ModelDevices
    from falcon_exp.worker.trial import generation, loading, progress

    trial = _import_trial()

    if TIMES in os.environ:
        _write_times(Path(os.environ[TIMES]))
    if SLOWER in os.environ:
        _slow_down(int(os.environ[SLOWER]))
    if "progress" in off:
        replace(progress.TokenProgress, "__call__", lambda *_: None)
    if "clock" in off:
        _drop_clock()
    if "collect" in off:
        replace(generation, "gc", _Without(gc, collect=lambda: 0))
    if "freeze" in off:
        gc.unfreeze()
        replace(loading, "gc", _Without(gc, freeze=lambda: None))
    if "peak" in off:
        replace(generation, "PeakRss", _NoPeak)
    if "meters" in off:
        replace(ModelDevices, "start_energy", lambda _: _NoMeter())
        replace(ModelDevices, "read_states", lambda _: None)
        replace(ModelDevices, "read_memory_used", lambda _: (None, "switched off"))
    if "warnings" in off:
        collect = trial.collect_library_warnings

        def silent() -> object:
            notices = collect()
            logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
            return notices

        replace(trial, "collect_library_warnings", silent)


def _write_times(file: Path) -> None:
    import json
    import logging
    import time

    from falcon_exp.worker.trial import generation

    trial = _import_trial()
    readings: list[float] = []

    def read() -> float:
        readings.append(time.perf_counter())
        return readings[-1]

    measure = trial.measure

    def measured(*args: object) -> dict[str, object]:
        readings.clear()
        measurement: dict[str, object] = measure(*args)
        times = readings[0], readings[-1]
        if times[1] - times[0] != measurement["elapsed_sec"]:
            raise AssertionError("the first and the last reading of the clock are not those around the generate")
        last.update(measured={"times": times}, plain=None)
        return measurement

    def paired(loaded: Any, request: dict[str, Any], on_token: object) -> dict[str, object]:
        from interleave import run_interleaved

        logger = logging.getLogger("bitsandbytes")
        levels = logger.level, logging.ERROR
        made: dict[str, Any] = {}

        def run_measured() -> None:
            made["measurement"] = measured(loaded, request, on_token)

        def run_plain() -> None:
            made["plain"] = _generate_plainly(loaded, request)

        plain_first = request["trial_id"].endswith("plain-first")
        # The plain loop turns this log off.
        windows = run_interleaved(
            loaded.model, (run_measured, run_plain), int(plain_first), lambda side: logger.setLevel(levels[side])
        )
        logger.setLevel(levels[0])
        last["measured"]["windows"] = windows[0]
        last["plain"] = {**made["plain"], "windows": windows[1]}
        measurement: dict[str, object] = made["measurement"]
        return measurement

    def written(*args: Any) -> dict[str, object]:
        measurement = paired(*args) if PAIRED in os.environ else measured(*args)
        file.write_text(json.dumps(last), encoding="utf-8")
        return measurement

    last: dict[str, Any] = {}
    replace(generation, "time", _Without(time, perf_counter=read))
    replace(trial, "measure", written)


def _generate_plainly(loaded: Any, request: dict[str, Any]) -> dict[str, object]:
    """Generates as the plain loop does."""
    import time

    from article_script import generate

    new_tokens = request["generation"]["max_new_tokens"]
    elapsed_sec, text = generate(loaded.model, loaded.tokenizer, request["prompt"], new_tokens)
    ended_sec = time.perf_counter()
    return {"times": [ended_sec - elapsed_sec, ended_sec], "text": text}


def _slow_down(of_ten: int) -> None:
    from slow_down import slow_down

    trial = _import_trial()
    load = trial.load

    def load_slower(configuration: dict[str, Any], *others: Any) -> Any:
        loaded = load(configuration, *others)
        if configuration["quantization"]["skip_modules"]:
            slow_down(loaded.model, of_ten)
        return loaded

    replace(trial, "load", load_slower)


def _drop_clock() -> None:
    from transformers import GenerationMixin

    generate = GenerationMixin.generate

    def without(self: object, *args: object, stopping_criteria: object = None, **kwargs: object) -> object:
        return generate(self, *args, **kwargs)

    replace(GenerationMixin, "generate", without)


class _Without:
    """A module with some of its names replaced."""

    def __init__(self, module: object, **replaced: object) -> None:
        self.__dict__.update(replaced)
        self._module = module

    def __getattr__(self, name: str) -> object:
        return getattr(self._module, name)


class _NoPeak:
    source = "sampler"

    def stop(self) -> None:
        return None


class _NoMeter:
    def stop(self) -> object:
        from falcon_exp.worker.devices.energy import Energy

        return Energy(None, None, None, "switched off")


if __name__ == "__main__":
    at = sys.argv.index("--without")
    os.environ[VARIABLE] = sys.argv[at + 1]
    del sys.argv[at : at + 2]
    change_supervisor(names())
    from falcon_exp.worker.supervisor.main import main

    sys.exit(main())
elif Path(__file__).stem not in sys.modules or __name__ != "__mp_main__":
    # The forkserver's preload, or the main module of a spawned process; a forked process already has everything.
    from falcon_exp.worker.trial import preload  # noqa: F401

    change_trials(names())
