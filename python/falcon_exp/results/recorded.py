"""A run's records, grouped: as much of src/results/run-data.ts as notebooks need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from falcon_exp.results.problems import ResultsError
from falcon_exp.results.schema import Record

#: What says which work was measured, on what: everything but the measurements themselves.
FACTS = frozenset({"run", "resume", "environment", "load", "quality", "lm_eval", "configuration", "run_end"})
#: Of the ends of several rounds the one that says most.
_TELLING = ("failed", "cancelled", "skipped", "completed")


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
    #: Metrics of lm-evaluation-harness.
    tasks: tuple[Record, ...]
    #: How it ended; None where it has not.
    outcome: Record | None
    #: completed, failed, cancelled, skipped, interrupted or not_run.
    status: str

    @property
    def id(self) -> str:
        """For programs."""
        return str(self.plan["worker"]["id"])

    @property
    def proof(self) -> Record | None:
        """What was read back from the model: after the last trial, else after the load."""
        outcome = self.outcome or {}
        after = outcome.get("proof_after") if outcome.get("status") == "completed" else None
        at_load: Record | None = self.load["load"]["proof"] if self.load else None
        return after or at_load

    @property
    def failure(self) -> Record | None:
        """Why it failed, else why its first failed trial did."""
        failed = [one for one in (self.outcome, *self.trials) if one is not None and one["status"] == "failed"]
        return failed[0]["failure"] if failed else None

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

    def reference_id_of(self, configuration: Configuration) -> str:
        """What it is compared with: plans made before there was a reference for each model have one."""
        return str(configuration.plan.get("reference_id") or self.run["plan"]["reference_configuration_id"])


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
            f"{source} has no run record, so it is unknown what was to be measured.",
            "The run was killed before it began; start it again.",
        )
    run = by_kind["run"][0]
    environments = by_kind.get("environment", [])
    return RunData(
        run=run,
        environment=environments[-1]["environment"] if environments else None,
        configurations=tuple(
            _group_configuration(plan, by_kind, run["plan"].get("rounds", 1))
            for plan in sorted(run["configurations"], key=lambda one: one["index"])
        ),
        end=by_kind.get("run_end", [None])[-1],
    )


def _group_configuration(plan: Record, by_kind: dict[str, list[Record]], rounds: int) -> Configuration:
    def own(kind: str) -> list[Record]:
        return [one for one in by_kind.get(kind, []) if one["configuration_id"] == plan["worker"]["id"]]

    loads = [one for one in own("load") if one.get("round", 0) == 0]
    trials = {trial["trial_id"]: trial for trial in own("trial")}
    scored = [one for one in own("lm_eval") if one["status"] == "completed"]
    outcome, status = _outcome([*own("load"), *own("trial"), *own("configuration")], rounds)
    return Configuration(
        plan=plan,
        load=loads[-1] if loads else None,
        trials=tuple(sorted(trials.values(), key=lambda trial: trial["trial_index"])),
        quality=tuple({scored["text_id"]: scored for scored in own("quality")}.values()),
        tasks=tuple(scored[-1]["measurement"]["results"]) if scored else (),
        outcome=outcome,
        status=status,
    )


def _outcome(records: list[Record], rounds: int) -> tuple[Record | None, str]:
    """The end that counts, and the status; an end is undone by a later attempt of the same round."""
    ends: dict[int, Record] = {}
    for record in sorted(records, key=lambda one: (one["at"], one["kind"] == "configuration")):
        end = ends.get(record.get("round", 0))
        if record["kind"] == "configuration":
            ends[record.get("round", 0)] = record
        elif end is not None and record.get("attempt", 1) > end.get("attempt", 1):
            del ends[record.get("round", 0)]
    if not records:
        return None, "not_run"
    told = sorted(ends.values(), key=lambda end: (_TELLING.index(end["status"]), -end.get("round", 0)))
    if not told or (told[0]["status"] == "completed" and len(ends) < rounds):
        return told[0] if told else None, "interrupted"
    return told[0], str(told[0]["status"])
