"""Turns rows and files into data frames, with pandas if it is installed, else with polars."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from falcon_exp.results.problems import ResultsError

Backend = Literal["pandas", "polars"]


@dataclass
class Rows:
    """Rows made from records; ``types`` has all columns in order: string, int64, double, boolean or timestamp."""

    types: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)


class Library(Protocol):
    """What each library does in its own way, with its own kind of table."""

    def read_parquet(self, path: Path) -> Any:
        """Reads a run's file as a table."""

    def from_rows(self, rows: Rows) -> Any:
        """Makes a table of rows."""

    def newest(self, table: Any) -> datetime | None:
        """When the last trial in the table ended; None if no trial in it has ended."""

    def finish(self, tables: Sequence[Any], ordered: Sequence[str]) -> Any:
        """Joins the tables into one frame; columns in ``ordered`` become ordered categories, in order of appearance."""


def choose_library(asked: Backend | None) -> Library:
    """The library asked for, else pandas if installed, else polars. Raises ResultsError `notebook-library-missing`."""
    backends: tuple[Backend, ...] = ("pandas", "polars") if asked is None else (asked,)
    for name in backends:
        if name not in _LIBRARIES:
            raise ValueError(f"backend is 'pandas' or 'polars', not {name!r}")
        if importlib.util.find_spec(name) is not None:
            return _LIBRARIES[name]()
    raise ResultsError(
        "notebook-library-missing",
        f"Tables need {' or '.join(backends)}, which is not installed here.",
        f"Install it: pip install {'pandas pyarrow' if 'pandas' in backends else 'polars'}.",
    )


class _Pandas:
    """Goes through pyarrow, whose integers stay integers even if some are missing."""

    def __init__(self) -> None:
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
        self._arrow: Any = pyarrow

    def read_parquet(self, path: Path) -> Any:
        return self._arrow.parquet.read_table(path)

    def from_rows(self, rows: Rows) -> Any:
        arrow = self._arrow
        types = {
            "string": arrow.string(),
            "int64": arrow.int64(),
            "double": arrow.float64(),
            "boolean": arrow.bool_(),
            "timestamp": arrow.timestamp("ms", tz="UTC"),
        }
        schema = arrow.schema([(name, types[kind]) for name, kind in rows.types.items()])
        return arrow.Table.from_pylist(rows.rows, schema=schema)

    def newest(self, table: Any) -> datetime | None:
        found: datetime | None = self._arrow.compute.max(table["finished_at"]).as_py()
        return found

    def finish(self, tables: Sequence[Any], ordered: Sequence[str]) -> Any:
        import pandas

        # A table from an older falcon-exp may lack a column: its cells become missing values.
        whole = self._arrow.concat_tables(tables, promote_options="permissive")
        types = {
            self._arrow.int64(): pandas.Int64Dtype(),
            self._arrow.bool_(): pandas.BooleanDtype(),
            self._arrow.string(): pandas.StringDtype(),
        }
        frame = whole.to_pandas(types_mapper=types.get)
        for name in ordered:
            if name in frame:
                frame[name] = pandas.Categorical(frame[name], list(frame[name].dropna().unique()), ordered=True)
        return frame


class _Polars:
    def read_parquet(self, path: Path) -> Any:
        import polars

        return polars.read_parquet(path)

    def from_rows(self, rows: Rows) -> Any:
        import polars

        types: dict[str, Any] = {
            "string": polars.String,
            "int64": polars.Int64,
            "double": polars.Float64,
            "boolean": polars.Boolean,
            "timestamp": polars.Datetime("ms", "UTC"),
        }
        schema = {name: types[kind] for name, kind in rows.types.items()}
        return polars.DataFrame(rows.rows, schema=schema, strict=False, infer_schema_length=None)

    def newest(self, table: Any) -> datetime | None:
        found: datetime | None = table["finished_at"].max()
        return found

    def finish(self, tables: Sequence[Any], ordered: Sequence[str]) -> Any:
        import polars

        frame = polars.concat(tables, how="diagonal_relaxed")
        found = [name for name in ordered if name in frame.columns]
        orders = {name: frame[name].drop_nulls().unique(maintain_order=True) for name in found}
        return frame.with_columns(polars.col(name).cast(polars.Enum(order)) for name, order in orders.items())


_LIBRARIES: dict[str, type[Library]] = {"pandas": _Pandas, "polars": _Polars}
