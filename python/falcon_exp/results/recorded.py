"""A run's records, grouped by configuration: the part of src/run/run-data.ts that notebooks need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from falcon_exp.results.problems import ResultsError
from falcon_exp.results.schema import Record

#: Kinds of records that say which work was measured, and on what; the trials are left out.
FACTS = frozenset({"run", "resume", "environment", "load", "quality", "lm_eval", "configuration", "run_end"})
#: How a round can end, the most telling first: of several rounds' ends, the most telling counts.
_TELLING = ("failed", "cancelled", "skipped", "completed")


@dataclass(frozen=True)
class Configuration:
    """What is recorded about one configuration."""

    plan: Record
    #: The last load of the first round; None if it was never loaded.
    load: Record | None
    #: One record per trial, in the order of running; for a trial that was run again, the last one.
    trials: tuple[Record, ...]
    #: One record per text.
    quality: tuple[Record, ...]
    #: Metrics of lm-evaluation-harness.
    tasks: tuple[Record, ...]
    #: How it ended; None if it has not.
    outcome: Record | None
    #: completed, failed, cancelled, skipped, interrupted or not_run.
    status: str

    @property
    def id(self) -> str:
        """The id, for programs."""
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
        """Why it failed, or else why its first failed trial failed; None if nothing failed."""
        failed = [one for one in (self.outcome, *self.trials) if one is not None and one["status"] == "failed"]
        return failed[0]["failure"] if failed else None

    @property
    def label(self) -> str:
        """The label, for people."""
        return str(self.plan["worker"]["label"])

    @property
    def is_reference(self) -> bool:
        """Whether other configurations are compared with it."""
        return bool(self.plan["is_reference"])


@dataclass(frozen=True)
class RunData:
    """Everything that was read about a run."""

    run: Record
    #: The newest one if the worker had to be restarted; None if it never started.
    environment: Record | None
    #: As planned, in the order of running.
    configurations: tuple[Configuration, ...]
    #: End of the whole run; None if the controller was killed, or if the run is still going, perhaps after a resume.
    end: Record | None

    def reference_id_of(self, configuration: Configuration) -> str:
        """Id of the configuration it is compared with; plans older than references per model have a single one."""
        return str(configuration.plan.get("reference_id") or self.run["plan"]["reference_configuration_id"])


def group_records(records: Iterable[Record], source: str) -> RunData:
    """Groups records by configuration. Raises ResultsError `results-run-missing` if there is no run record."""
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
    """The end that counts, and the status; a later attempt at the same round undoes an end."""
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
