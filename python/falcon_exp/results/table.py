"""Tables of one or more runs: trials, configurations, scored texts, tasks, tokens."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from falcon_exp.results.compatibility import warn_of_mixing
from falcon_exp.results.entry_rows import axis_values, table_rows
from falcon_exp.results.frames import Backend, Rows, choose_library
from falcon_exp.results.metrics import columns
from falcon_exp.results.run import Results, Run, runs
from falcon_exp.results.table_columns import table_types
from falcon_exp.results.trial_rows import trial_rows

if TYPE_CHECKING:
    import pandas
    import polars

    from falcon_exp.results.frames import Library

Table = Literal["trials", "configurations", "quality", "tasks", "tokens", "text_tokens"]

TABLE_FILE = "records.parquet"
#: Columns whose values keep the order of the plan, for charts and for groups.
_ORDERED = ("configuration", "quantization", "reference")
_TRIAL_LINE = re.compile(rb'^\{"schema_version":\d+,"run_id":"[^"\\]*","at":"([^"\\]*)","kind":"trial"', re.MULTILINE)


@overload
def load(
    results: Results = ..., *, table: Table = ..., backend: Literal["pandas"] | None = ...
) -> pandas.DataFrame: ...
@overload
def load(results: Results = ..., *, table: Table = ..., backend: Literal["polars"]) -> polars.DataFrame: ...
def load(results: Results = "results", *, table: Table = "trials", backend: Backend | None = None) -> Any:
    """Makes a table of all runs below a folder, oldest run first; units are part of the columns' names.

    ``results`` is a results folder, an experiment's or a run's folder, a Run, or a list of these. ``table`` says what
    each row is: a trial, a configuration, a scored text (`quality`), a metric of lm-evaluation-harness (`tasks`), a
    token of an answer (`tokens`), or a token of a scored text (`text_tokens`). ``backend`` is by default pandas if it
    is installed, else polars. Integers that can be missing are Int64 in pandas, times are in UTC, and configurations
    are in the order of the plan.

    Rows that no report has drawn yet are made from the records. Warns with ResultsWarning if intervals are missing for
    that reason, and with IncompatibleRunsWarning if the runs' figures do not belong together. Raises ResultsError
    `results-not-found`, `notebook-library-missing`.
    """
    if table not in get_args(Table):
        raise ValueError(f"table is one of {', '.join(get_args(Table))}, not {table!r}")
    found = runs(results)
    library = choose_library(backend)
    if table == "trials":
        tables = [_read_trials(run, library) for run in found]
    else:
        axes = _axis_kinds(found)
        rows = [row for run in found for row in table_rows(run, table)]
        tables = [library.from_rows(Rows(table_types(table, axes), rows))]
    if len(found) > 1:
        warn_of_mixing([run.facts for run in found])
    return library.finish(tables, _ORDERED)


def _read_trials(run: Run, library: Library) -> Any:
    """Reads the table's file if it has all recorded trials; otherwise makes the rows from the records."""
    path = run.folder / TABLE_FILE
    if path.is_file():
        drawn = library.read_parquet(path)
        if not _has_newer_trial(run, library.newest(drawn)):
            return drawn
    return library.from_rows(Rows(dict(columns()), trial_rows(run.data)))


def _axis_kinds(found: list[Run]) -> dict[str, str]:
    """The type of every axis; numbers are double if one of them is not an integer."""
    kinds: dict[str, str] = {}
    for run in found:
        for configuration in run.facts.configurations:
            for name, value in axis_values(configuration).items():
                kind = _kind(value)
                kinds[name] = "double" if {kind, kinds.get(name)} == {"int64", "double"} else kind
    return kinds


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    return "int64" if isinstance(value, int) else "double"


def _has_newer_trial(run: Run, newest_in_table: datetime | None) -> bool:
    ends = _TRIAL_LINE.findall(run.records_path.read_bytes())
    if not ends:
        return False
    newest = datetime.fromisoformat(max(ends).decode("ascii").replace("Z", "+00:00"))
    return newest_in_table is None or newest_in_table < newest
