"""A run's records, grouped: as much of src/results/run-data.ts as notebooks need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from falcon_exp.results.problems import ResultsError
from falcon_exp.results.schema import Record

#: What says which work was measured, on what: everything but the measurements themselves.
FACTS = frozenset({"run", "resume", "environment", "load", "quality", "run_end"})


@dataclass(frozen=True)
class Configuration:
    """What is recorded about one configuration."""

    plan: Record
    #: Of the first round, as it went the last time; None when it was never loaded.
    load: Record | None
    #: One a trial, in order of running; what was run again counts as it went the last time.
    trials: tuple[Record, ...]
    #: One a text.
    quality: tuple[Record, ...]

    @property
    def label(self) -> str:
        """For people."""
        return str(self.plan["worker"]["label"])

    @property
    def is_reference(self) -> bool:
        """Whether the others are compared with it."""
        return bool(self.plan["is_reference"])


@dataclass(frozen=True)
class RunData:
    """Everything that was read of a run."""

    run: Record
    #: The newest one, when the worker had to be started anew; None when it never started.
    environment: Record | None
    #: As planned, in order of running.
    configurations: tuple[Configuration, ...]
    #: Of the whole run; None when the controller was killed, or goes on, even if only after a resume.
    end: Record | None


def group_records(records: Iterable[Record], source: str) -> RunData:
    """Groups records by configuration. Raises ResultsError `results-run-missing` without a run record."""
    by_kind: dict[str, list[Record]] = {}
    for record in records:
        if record["kind"] == "resume":
            by_kind.pop("run_end", None)
        by_kind.setdefault(record["kind"], []).append(record)
    if "run" not in by_kind:
        raise ResultsError(
            "results-run-missing",
            f"{source} has no run record, so nothing says what was to be measured.",
            "The run was killed before it began; start it again.",
        )
    run = by_kind["run"][0]
    environments = by_kind.get("environment", [])
    return RunData(
        run=run,
        environment=environments[-1]["environment"] if environments else None,
        configurations=tuple(
            _group_configuration(plan, by_kind) for plan in sorted(run["configurations"], key=lambda one: one["index"])
        ),
        end=by_kind.get("run_end", [None])[-1],
    )


def _group_configuration(plan: Record, by_kind: dict[str, list[Record]]) -> Configuration:
    def own(kind: str) -> list[Record]:
        return [one for one in by_kind.get(kind, []) if one["configuration_id"] == plan["worker"]["id"]]

    loads = [one for one in own("load") if one.get("round", 0) == 0]
    trials = {trial["trial_id"]: trial for trial in own("trial")}
    return Configuration(
        plan=plan,
        load=loads[-1] if loads else None,
        trials=tuple(sorted(trials.values(), key=lambda trial: trial["trial_index"])),
        quality=tuple({scored["text_id"]: scored for scored in own("quality")}.values()),
    )
