"""Runs: the contents of results/<experiment>/<run-id>/, read when they are asked for."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from falcon_exp.results.answers import Answer, answers_of
from falcon_exp.results.charts import Charts
from falcon_exp.results.problems import ResultsError, ResultsWarning
from falcon_exp.results.recorded import FACTS, RunData, group_records
from falcon_exp.results.records import RECORDS_FILE, RecordFile, read_records
from falcon_exp.results.schema import Record

#: Run ids as src/run/run-id.ts makes them; they sort by age.
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_TOLD_PROBLEMS = 3

#: A results folder, the folder of an experiment or of a run, or runs already found.
Results: TypeAlias = "str | os.PathLike[str] | Run | Sequence[str | os.PathLike[str] | Run]"


class Run:
    """One execution of an experiment.

    Everything is read when it is first asked for, and only once: to follow a run that is still going, make a new Run.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def id(self) -> str:
        """The folder's name, which begins with the UTC time."""
        return self.folder.resolve().name

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return str(self.facts.run["plan"]["experiment"])

    @property
    def started(self) -> datetime:
        """When it began, in UTC."""
        return datetime.fromisoformat(self.facts.run["at"].replace("Z", "+00:00"))

    @property
    def status(self) -> str:
        """completed, partly_failed, all_failed, or interrupted, also if the run is still going or was killed."""
        return "interrupted" if self.facts.end is None else str(self.facts.end["status"])

    @property
    def environment(self) -> dict[str, Any]:
        """``controller`` and ``worker``: machine, driver, library versions; ``worker`` is None if none started."""
        return {"controller": self.facts.run["controller"], "worker": self.facts.environment}

    @cached_property
    def summary(self) -> dict[str, Any]:
        """summary.json: statistics per configuration (docs/results.md). Raises ResultsError if it is missing."""
        value = self._read_summary
        if value.get("status") != self.status:
            told = f"{self._summary_path} is older than the records. {self.report_step}"
            warnings.warn(told, ResultsWarning, stacklevel=3)
        return value

    @cached_property
    def charts(self) -> Charts:
        """The charts by name, such as ``run.charts["overview"]``."""
        return Charts(self.folder / "charts", self.report_step)

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The model's answers, prompt by prompt. They are untrusted text."""
        return answers_of(self.data)

    @cached_property
    def trials(self) -> Any:
        """One row per trial (docs/results.md). Like all frames below, from pandas if installed, else from polars."""
        return self._table("trials")

    @cached_property
    def configurations(self) -> Any:
        """One row per configuration: axes, sizes, medians over its trials, and how it compares with its reference."""
        return self._table("configurations")

    @cached_property
    def quality(self) -> Any:
        """One row per configuration and scored text: perplexity, KL divergence, top-1 agreement, with intervals."""
        return self._table("quality")

    @cached_property
    def tasks(self) -> Any:
        """One row per configuration and metric of lm-evaluation-harness."""
        return self._table("tasks")

    @cached_property
    def tokens(self) -> Any:
        """One row per token of an answer, with the time that it took."""
        return self._table("tokens")

    @cached_property
    def text_tokens(self) -> Any:
        """One row per token of a scored text: negative log-likelihood, KL divergence, whether the top tokens agree."""
        return self._table("text_tokens")

    def _table(self, table: Any) -> Any:
        from falcon_exp.results.table import load

        return load(self, table=table)

    def records(self) -> Iterator[Record]:
        """All records as they were written (docs/results.md). Unusable ones are left out with a ResultsWarning."""
        read = read_records(self.records_path)
        _warn_of_problems(self.records_path, read)
        yield from read.records

    @cached_property
    def facts(self) -> RunData:
        """What was to be measured, on what, and how it ended; without the trials."""
        return group_records(read_records(self.records_path, FACTS).records, str(self.records_path))

    @cached_property
    def data(self) -> RunData:
        """Everything that was recorded."""
        return group_records(self.records(), str(self.records_path))

    @cached_property
    def _read_summary(self) -> dict[str, Any]:
        try:
            value = json.loads(self._summary_path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ResultsError(
                "results-not-drawn", f"Could not read {self._summary_path}.", self.report_step
            ) from error
        assert isinstance(value, dict)
        return value

    @property
    def drawn_summary(self) -> dict[str, Any] | None:
        """The summary if it can be read and covers all the records; else None, with a ResultsWarning."""
        try:
            found = self._read_summary
        except ResultsError:
            found = {}
        if found.get("status") == self.status:
            return found
        told = f"{self.id}: no summary of all its records, so intervals and verdicts are missing. {self.report_step}"
        warnings.warn(told, ResultsWarning, stacklevel=4)
        return None

    def _repr_html_(self) -> str:
        from falcon_exp.results.run_html import run_html

        return run_html(self)

    @property
    def _summary_path(self) -> Path:
        return self.folder / "summary.json"

    @property
    def records_path(self) -> Path:
        """The file of records, from which everything else is made."""
        return self.folder / RECORDS_FILE

    @property
    def report_step(self) -> str:
        """The next step to suggest if something has not been drawn."""
        return f"Draw it from its records: falcon-exp report {self.folder}."


def runs(results: Results = "results") -> list[Run]:
    """All runs below a folder, oldest first. Raises ResultsError `results-not-found` if there are none."""
    if isinstance(results, Run):
        return [results]
    if isinstance(results, (str, os.PathLike)):
        found = [Run(folder) for folder in _run_folders(Path(results))]
    else:
        found = [run for one in results for run in runs(one)]
    if not found:
        raise ResultsError(
            "results-not-found",
            f"No run in {results}: a run is a folder results/<experiment>/<run-id> with a {RECORDS_FILE}.",
            "Give the results folder, or run an experiment first: falcon-exp run experiments/quant.yaml.",
        )
    return sorted(found, key=lambda run: (run.id, str(run.folder)))


def _run_folders(folder: Path) -> Iterator[Path]:
    if (folder / RECORDS_FILE).is_file():
        yield folder
        return
    for parent, names, _ in os.walk(folder):
        here = [name for name in names if _RUN_ID.fullmatch(name) and (Path(parent) / name / RECORDS_FILE).is_file()]
        yield from (Path(parent) / name for name in here)
        # A run's folder holds no other runs, so there is no need to search it.
        names[:] = [name for name in names if name not in here]


def _warn_of_problems(path: Path, read: RecordFile) -> None:
    if not read.problems:
        return
    told = "; ".join(f"line {one.line}: {one.message}" for one in read.problems[:_TOLD_PROBLEMS])
    rest = len(read.problems) - _TOLD_PROBLEMS
    more = f"; and {rest} more" if rest > 0 else ""
    warnings.warn(f"{path}: {told}{more}", ResultsWarning, stacklevel=3)
