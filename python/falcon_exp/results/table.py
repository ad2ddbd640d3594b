"""The flat table of docs/results.md, one row a trial, out of each run's ``records.parquet``."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from falcon_exp.results.compatibility import warn_of_mixing
from falcon_exp.results.problems import ResultsError, ResultsWarning
from falcon_exp.results.run import Results, Run, runs

if TYPE_CHECKING:
    import pandas
    import polars

Backend = Literal["pandas", "polars"]

TABLE_FILE = "records.parquet"
_TRIAL_LINE = re.compile(rb'^\{"schema_version":\d+,"run_id":"[^"\\]*","at":"([^"\\]*)","kind":"trial"', re.MULTILINE)
_TOLD_RUNS = 3


@overload
def load(results: Results = ..., *, backend: Literal["pandas"] | None = ...) -> pandas.DataFrame: ...
@overload
def load(results: Results = ..., *, backend: Literal["polars"]) -> polars.DataFrame: ...
def load(results: Results = "results", *, backend: Backend | None = None) -> Any:
    """One row a trial, of every run below a folder, oldest run first; units stand in the columns' names.

    ``results`` is a results folder, an experiment's, a run's, a Run, or a list of these. ``backend`` is pandas where it
    is installed, else polars. Integers that can be missing are Int64 in pandas, times are in UTC.

    Warns with ResultsWarning of runs without a table (left out) or with one that is older than their records (read),
    and with IncompatibleRunsWarning where the runs' figures do not belong together. Raises ResultsError
    `results-not-found`, `results-not-drawn` where no run has a table, `notebook-library-missing`.
    """
    found = runs(results)
    reader = _READERS[_backend(backend)]
    drawn = [run for run in found if (run.folder / TABLE_FILE).is_file()]
    missing = [run for run in found if run not in drawn]
    if not drawn:
        raise ResultsError("results-not-drawn", f"No run of {len(found)} has a {TABLE_FILE}.", found[-1].report_step)
    tables, newest = reader([run.folder / TABLE_FILE for run in drawn])
    old = [run for run, last in zip(drawn, newest, strict=True) if _has_newer_trial(run, last)]
    _warn_of(missing, f"no {TABLE_FILE} (left out)")
    _warn_of(old, f"a {TABLE_FILE} that is older than its records")
    if len(drawn) > 1:
        warn_of_mixing([run.facts for run in drawn])
    return tables


def _backend(asked: Backend | None) -> Backend:
    backends: tuple[Backend, ...] = ("pandas", "polars") if asked is None else (asked,)
    for name in backends:
        if name not in _READERS:
            raise ValueError(f"backend is 'pandas' or 'polars', not {name!r}")
        if importlib.util.find_spec(name) is not None:
            return name
    raise ResultsError(
        "notebook-library-missing",
        f"Tables need {' or '.join(backends)}, which is not installed here.",
        f"Install it: pip install {'pandas pyarrow' if 'pandas' in backends else 'polars'}.",
    )


def _read_with_pandas(paths: Sequence[Path]) -> tuple[Any, list[datetime | None]]:
    import pandas

    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise ResultsError(
            "notebook-library-missing",
            "pandas reads these tables with pyarrow, which is not installed here.",
            "Install it: pip install pyarrow.",
        ) from error
    tables = [pyarrow.parquet.read_table(path) for path in paths]
    newest = [pyarrow.compute.max(table["finished_at"]).as_py() for table in tables]
    # A table of an older falcon-exp may lack a column: its cells are missing.
    whole = pyarrow.concat_tables(tables, promote_options="default")
    types = {
        pyarrow.int64(): pandas.Int64Dtype(),
        pyarrow.bool_(): pandas.BooleanDtype(),
        pyarrow.string(): pandas.StringDtype(),
    }
    return whole.to_pandas(types_mapper=types.get), newest


def _read_with_polars(paths: Sequence[Path]) -> tuple[Any, list[datetime | None]]:
    import polars

    tables = [polars.read_parquet(path) for path in paths]
    newest = [table["finished_at"].max() for table in tables]
    return polars.concat(tables, how="diagonal"), newest


_READERS = {"pandas": _read_with_pandas, "polars": _read_with_polars}


def _has_newer_trial(run: Run, newest_in_table: datetime | None) -> bool:
    ends = _TRIAL_LINE.findall(run.records_path.read_bytes())
    if not ends:
        return False
    newest = datetime.fromisoformat(max(ends).decode("ascii").replace("Z", "+00:00"))
    return newest_in_table is None or newest_in_table < newest


def _warn_of(found: Sequence[Run], what: str) -> None:
    if not found:
        return
    names = ", ".join(run.id for run in found[:_TOLD_RUNS])
    rest = f" and {len(found) - _TOLD_RUNS} more" if len(found) > _TOLD_RUNS else ""
    noun = "run has" if len(found) == 1 else "runs have"
    warnings.warn(f"{len(found)} {noun} {what}: {names}{rest}. {found[0].report_step}", ResultsWarning, stacklevel=3)
