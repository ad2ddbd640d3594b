"""Why runs cannot be compared, and what differs between their machines.

The rules are those of `falcon-exp compare` (src/analysis/compare/environment-diff.ts, in the words of
src/render/words/reasons.ts); both are tested with test/golden/compare.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from falcon_exp.results.problems import IncompatibleRunsWarning
from falcon_exp.results.recorded import Configuration, RunData
from falcon_exp.results.traits import UNRECORDED, read_machine_traits

#: Changes from day to day although the same thing is measured: `environment_differences` lists it, without a warning.
_NO_CONDITION = frozenset({"git commit"})
_MOST_REASONS = 6
_MOST_VALUES = 4


@dataclass(frozen=True)
class Difference:
    """One thing that differs, with each run's value; None if a run does not have it or did not record it."""

    what: str
    values: tuple[str | None, ...]
    #: False if all runs that recorded it have the same value: the others may have that value too.
    is_known: bool = True


def environment_differences(runs: Sequence[RunData]) -> tuple[Difference, ...]:
    """What differs in machine, software and program; empty if everything is the same."""
    packages = sorted({name for run in runs for name in (run.environment or {}).get("packages", {})})
    traits = [{} if run.environment is None else read_machine_traits(run.environment) for run in runs]
    things: list[tuple[str, list[Any]]] = [
        ("host", [run.run["controller"]["hostname"] for run in runs]),
        *((name, [told.get(name, UNRECORDED) for told in traits]) for name in _list_names(traits)),
        *((name, [_package(run, name) for run in runs]) for name in packages),
        ("worker code", [_short(_read(run, "worker_code_sha256")) for run in runs]),
        ("memory", [_size(_read(run, "memory_total_bytes")) for run in runs]),
        ("platform", [_read(run, "platform") for run in runs]),
        ("falcon-exp", [run.run["falcon_exp_version"] for run in runs]),
        ("git commit", [_short(run.run["controller"]["git_commit"]) for run in runs]),
    ]
    found = []
    for what, values in things:
        recorded = {value for value in values if value is not UNRECORDED}
        is_known = len(recorded) > 1
        if is_known or (UNRECORDED in values and recorded not in (set(), {None})):
            texts = (None if value is UNRECORDED or value is None else str(value) for value in values)
            found.append(Difference(what, tuple(texts), is_known))
    return tuple(found)


def incomparable(baseline: tuple[RunData, Configuration], other: tuple[RunData, Configuration]) -> tuple[str, ...]:
    """Why a configuration of one run cannot be compared with one of another; empty if it can."""
    (ours, own), (theirs, its) = baseline, other
    reasons = []
    if _prompts(ours) != _prompts(theirs):
        reasons.append("other prompts")
    if _generation(own) != _generation(its):
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
    """Issues one IncompatibleRunsWarning that names what differs, if these runs' figures do not belong together."""
    sentences = []
    reasons = _reasons(runs)
    if reasons:
        sentences.append(f"These runs did not measure the same work: {_some(reasons, _MOST_REASONS, '; ')}.")
    told = [one for one in environment_differences(runs) if one.is_known and one.what not in _NO_CONDITION]
    if told:
        listed = [f"{one.what} ({_some(_distinct(one.values), _MOST_VALUES, ' / ')})" for one in told]
        sentences.append(f"They ran under different conditions: {_some(listed, _MOST_REASONS, ', ')}.")
    if sentences:
        sentences.append("Group by run_id, or load one run at a time; `falcon-exp compare` puts two side by side.")
        warnings.warn(" ".join(sentences), IncompatibleRunsWarning, stacklevel=3)


def _reasons(runs: Sequence[RunData]) -> list[str]:
    """Matches configurations by label; the first run that has a label is the baseline for the others."""
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
    return list(dict.fromkeys("unknown" if value is None else value for value in values))


def _list_names(traits: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for told in traits for name in told))


def _read(run: RunData, key: str) -> Any:
    return UNRECORDED if run.environment is None else run.environment.get(key)


def _package(run: RunData, name: str) -> Any:
    return UNRECORDED if run.environment is None else run.environment["packages"].get(name)


def _generation(configuration: Configuration) -> dict[str, Any]:
    """The settings that were asked for, without nulls: records older than a key lack it, newer ones hold null."""
    return {key: value for key, value in configuration.plan["generation"].items() if value is not None}


def _prompts(run: RunData) -> list[Any]:
    return [prompt["prompt"] for prompt in run.run["prompts"]]


def _parameters(configuration: Configuration) -> int | None:
    shape = (configuration.load or {}).get("load", {}).get("model_shape")
    return None if shape is None else int(shape["parameters"])


def _short(sha: Any) -> Any:
    return sha[:12] if isinstance(sha, str) else sha


def _size(size_bytes: Any) -> Any:
    """Formats a size as formatBytes in src/base/units.ts does: GB is 1e9 bytes."""
    if not isinstance(size_bytes, int):
        return size_bytes
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.2f} GB"
    return f"{size_bytes / 1e6:.{1 if size_bytes < 1e7 else 0}f} MB"
