"""What keeps runs from being compared, and what differs between their machines.

The rules are those of `falcon-exp compare` (src/report/compare/differences.ts); both are tested on test/golden/compare.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from falcon_exp.results.problems import IncompatibleRunsWarning
from falcon_exp.results.recorded import Configuration, RunData
from falcon_exp.results.schema import Record

#: Differs from day to day while the same is measured: told by `environment_differences`, no reason for a warning.
_NO_CONDITION = frozenset({"git commit"})
_MOST_REASONS = 6
_MOST_VALUES = 4


@dataclass(frozen=True)
class Difference:
    """One thing, as each run has it; None where a run does not tell."""

    what: str
    values: tuple[str | None, ...]


def environment_differences(runs: Sequence[RunData]) -> tuple[Difference, ...]:
    """What differs of machine, software and program; empty where all is the same."""
    packages = sorted({name for run in runs for name in (run.environment or {}).get("packages", {})})
    things: list[tuple[str, Callable[[RunData], object]]] = [
        ("host", lambda run: run.run["controller"]["hostname"]),
        ("CPU", _environment("cpu_model")),
        ("cores", _environment("cpu_logical_cores")),
        ("memory", lambda run: _size(_environment("memory_total_bytes")(run))),
        ("GPUs", _gpus),
        ("GPU driver", _environment("gpu_driver_version")),
        ("CUDA", _environment("cuda_version")),
        ("torch threads", _environment("torch_threads")),
        ("platform", _environment("platform")),
        ("Python", _environment("python_version")),
        *((name, _package(name)) for name in packages),
        ("falcon-exp", lambda run: run.run["falcon_exp_version"]),
        ("worker code", lambda run: _short(_environment("worker_code_sha256")(run))),
        ("git commit", lambda run: _short(run.run["controller"]["git_commit"])),
    ]
    found = []
    for what, tell in things:
        values = tuple(None if (value := tell(run)) is None else str(value) for run in runs)
        if len(set(values)) > 1:
            found.append(Difference(what, values))
    return tuple(found)


def incomparable(baseline: tuple[RunData, Configuration], other: tuple[RunData, Configuration]) -> tuple[str, ...]:
    """Why a configuration of one run cannot be compared with one of another; empty where it can."""
    (ours, own), (theirs, its) = baseline, other
    reasons = []
    if _prompts(ours) != _prompts(theirs):
        reasons.append("other prompts")
    if own.plan["generation"] != its.plan["generation"]:
        reasons.append("other generation settings")
    models = {_parameters(own), _parameters(its)} - {None}
    if len(models) > 1:
        reasons.append("another model")
    texts = {scored["text_id"]: scored for scored in its.quality}
    for scored in own.quality:
        same = texts.get(scored["text_id"])
        if same is None or scored["status"] != "completed" or same["status"] != "completed":
            continue
        if scored["measurement"]["token_ids_sha256"] != same["measurement"]["token_ids_sha256"]:
            reasons.append(f"another text under the name {scored['text_id']}")
    return tuple(reasons)


def warn_of_mixing(runs: Sequence[RunData]) -> None:
    """One IncompatibleRunsWarning that names what differs, where figures of these runs do not belong together."""
    sentences = []
    reasons = _reasons(runs)
    if reasons:
        sentences.append(f"These runs did not measure the same work: {_some(reasons, _MOST_REASONS, '; ')}.")
    told = [one for one in environment_differences(runs) if one.what not in _NO_CONDITION]
    if told:
        listed = [f"{one.what} ({_some(_distinct(one.values), _MOST_VALUES, ' / ')})" for one in told]
        sentences.append(f"They ran under different conditions: {_some(listed, _MOST_REASONS, ', ')}.")
    if sentences:
        sentences.append("Group by run_id, or load one run at a time; `falcon-exp compare` puts two side by side.")
        warnings.warn(" ".join(sentences), IncompatibleRunsWarning, stacklevel=3)


def _reasons(runs: Sequence[RunData]) -> list[str]:
    """Configurations are lined up by label; the first run that has one is the others' baseline."""
    baselines: dict[str, tuple[RunData, Configuration]] = {}
    found: dict[str, None] = {}
    for run in runs:
        for configuration in run.configurations:
            baseline = baselines.setdefault(configuration.label, (run, configuration))
            for reason in incomparable(baseline, (run, configuration)):
                found[f"{run.run['run_id']} has {reason} than {baseline[0].run['run_id']}"] = None
    return list(found)


def _some(texts: Sequence[str], most: int, joint: str) -> str:
    rest = len(texts) - most
    return joint.join(texts[:most]) + (f"{joint}{rest} more" if rest > 0 else "")


def _distinct(values: Sequence[str | None]) -> list[str]:
    return list(dict.fromkeys("not told" if value is None else value for value in values))


def _environment(key: str) -> Callable[[RunData], Any]:
    return lambda run: None if run.environment is None else run.environment.get(key)


def _package(name: str) -> Callable[[RunData], Any]:
    return lambda run: None if run.environment is None else run.environment["packages"].get(name)


def _gpus(run: RunData) -> str:
    gpus: list[Record] = [] if run.environment is None else run.environment["gpus"]
    return ", ".join(gpu["name"] for gpu in gpus) or "none"


def _prompts(run: RunData) -> list[str]:
    return [prompt["prompt"] for prompt in run.run["prompts"]]


def _parameters(configuration: Configuration) -> int | None:
    shape = (configuration.load or {}).get("load", {}).get("model_shape")
    return None if shape is None else int(shape["parameters"])


def _short(sha: str | None) -> str | None:
    return None if sha is None else sha[:12]


def _size(size_bytes: int | None) -> str | None:
    """As formatBytes of src/base/units.ts: GB is 1e9 bytes."""
    if size_bytes is None:
        return None
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.2f} GB"
    return f"{size_bytes / 1e6:.{1 if size_bytes < 1e7 else 0}f} MB"
