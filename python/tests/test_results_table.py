"""The flat table as a notebook gets it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from falcon_exp.results import IncompatibleRunsWarning, ResultsError, ResultsWarning, Run, load, runs

EXAMPLES = Path(__file__).parents[2] / "results" / "example"
LATER = "20991231T235959Z-0000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A results folder with one run."""
    (run,) = runs(EXAMPLES / "quant")
    shutil.copytree(run.folder, tmp_path / "quant" / run.id)
    return tmp_path


def run_of(folder: Path) -> Run:
    return runs(folder)[0]


def again(folder: Path, *, without_table: bool = False, changed: dict[str, str] | None = None) -> Run:
    """The same run once more, with another name, and texts in its records exchanged."""
    first = run_of(folder)
    copy = Run(shutil.copytree(first.folder, first.folder.with_name(LATER)))
    text = copy.records_path.read_text("utf-8").replace(first.id, LATER)
    for before, after in (changed or {}).items():
        assert before in text
        text = text.replace(before, after)
    copy.records_path.write_text(text, "utf-8")
    if without_table:
        (copy.folder / "records.parquet").unlink()
    return copy


def test_there_is_a_row_for_every_trial_with_its_figures(folder: Path) -> None:
    table = load(folder)
    trials = [record for record in run_of(folder).records() if record["kind"] == "trial"]
    assert len(table) == len(trials) == 15
    rows = table.set_index("trial_id")
    for trial in trials:
        row, measured = rows.loc[trial["trial_id"]], trial["measurement"]
        for name in ("elapsed_sec", "peak_rss_bytes", "output_tokens", "output_text", "decode_tokens_per_sec"):
            assert row[name] == measured[name]
        assert row["finished_at"] == pd.Timestamp(trial["at"])


def test_whole_numbers_that_can_be_missing_stay_whole(folder: Path) -> None:
    table = load(folder)
    assert table["weights_bytes"].dtype == "Int64"
    # On a CPU there is no such memory: the cells are missing, and the column has its type all the same.
    assert table["peak_memory_allocated_bytes"].dtype == "Int64"
    assert table["peak_memory_allocated_bytes"].isna().all()
    assert table["double_quant"].dtype == "boolean"


def test_polars_gives_the_same_table(folder: Path) -> None:
    ours, theirs = load(folder), load(folder, backend="polars")
    assert isinstance(theirs, pl.DataFrame)
    assert theirs.columns == list(ours.columns)
    for name in theirs.columns:
        values = [None if pd.isna(value) else value for value in ours[name]]
        assert list(theirs[name]) == values


def test_polars_is_taken_where_pandas_is_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"pandas"}
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else find(name))
    table: Any = load(folder)
    assert isinstance(table, pl.DataFrame)
    missing.add("polars")
    with pytest.raises(ResultsError, match=r"pandas or polars.*pip install pandas pyarrow\. \[notebook-lib"):
        load(folder)


def test_one_run_and_runs_of_the_same_work_are_read_in_silence(folder: Path) -> None:
    again(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load(run_of(folder))) == 15
        assert len(load(folder)) == 30
        assert len(load([run_of(folder).folder, folder / "quant" / LATER])) == 30


def test_runs_of_other_work_are_mixed_with_a_warning_that_names_it(folder: Path) -> None:
    again(folder, changed={'"max_new_tokens":32': '"max_new_tokens":64', '"torch":"2.13.0+cpu"': '"torch":"2.14.0"'})
    with pytest.warns(IncompatibleRunsWarning) as caught:
        assert len(load(folder)) == 30
    (warning,) = caught
    assert f"{LATER} has other generation settings than {run_of(folder).id}" in str(warning.message)
    assert "torch (2.13.0+cpu / 2.14.0)" in str(warning.message)
    # It points at the line that called.
    assert warning.filename == __file__


def test_a_run_without_a_table_is_left_out_and_named_with_the_command_that_draws_it(folder: Path) -> None:
    undrawn = again(folder, without_table=True)
    with pytest.warns(ResultsWarning) as caught:
        assert set(load(folder)["run_id"]) == {run_of(folder).id}
    (warning,) = caught
    assert f"1 run has no records.parquet (left out): {LATER}." in str(warning.message)
    assert f"falcon-exp report {undrawn.folder}." in str(warning.message)
    with pytest.raises(ResultsError, match="results-not-drawn"):
        load(undrawn)


def test_a_table_older_than_its_records_is_told(folder: Path) -> None:
    run = run_of(folder)
    trials = [line for line in run.records_path.read_bytes().splitlines(keepends=True) if b'"kind":"trial"' in line]
    (trial,) = trials[-1:]
    later = trial.replace(json.loads(trial)["at"].encode(), b"2099-12-31T23:59:59.000Z")
    with run.records_path.open("ab") as file:
        file.write(later)
    with pytest.warns(ResultsWarning, match="1 run has a records.parquet that is older than its records") as caught:
        assert len(load(run.folder)) == 15
    assert len(caught) == 1


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_a_table_of_an_older_make_lacks_cells_not_rows(folder: Path, backend: Any) -> None:
    again(folder)
    path = folder / "quant" / LATER / "records.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["energy_joules"]), path)
    assert len(load(folder, backend=backend)) == 30


def test_another_backend_is_refused(folder: Path) -> None:
    backend: Any = "excel"
    with pytest.raises(ValueError, match="'pandas' or 'polars', not 'excel'"):
        load(folder, backend=backend)
