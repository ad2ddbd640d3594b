"""The tables of real runs, read unchanged by pandas, polars and DuckDB, over several runs at once."""

import datetime
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "results" / "example"
NODE = shutil.which("node") or "node"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kept runs of two experiments, and one that was killed before it measured anything."""
    folder = tmp_path_factory.mktemp("lab") / "results"
    # Their tables are those that would be drawn now: test/render/example.test.ts compares every file of theirs.
    for kept in EXAMPLES.glob("*/*/records.*"):
        run = folder / kept.parent.relative_to(EXAMPLES)
        run.mkdir(parents=True, exist_ok=True)
        shutil.copy(kept, run)
    killed = folder / "quant" / "20261124T000000Z-dead"
    killed.mkdir()
    with next(folder.glob("quant/*-5881/records.jsonl")).open(encoding="utf-8") as whole:
        (killed / "records.jsonl").write_text(whole.readline(), encoding="utf-8")
    subprocess.run([NODE, ROOT / "bin" / "falcon-exp.js", "report", killed], check=True, capture_output=True)
    return folder


def trials_of(results: Path) -> list[dict[str, Any]]:
    """The completed trials, as they are in the records."""
    records = [json.loads(line) for file in results.rglob("records.jsonl") for line in file.read_text().splitlines()]
    return [record for record in records if record["kind"] == "trial" and record["status"] == "completed"]


def test_every_run_has_the_same_schema(results: Path):
    schemas = [pq.read_schema(file).remove_metadata() for file in results.rglob("records.parquet")]
    assert len(schemas) == 3
    assert schemas[1:] == schemas[:-1]


def test_duckdb_reads_all_runs_with_one_pattern(results: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(results.parent)
    trials = trials_of(results)
    found = duckdb.sql(
        """SELECT experiment, configuration, count(elapsed_sec), sum(output_tokens), max(peak_rss_bytes)
        FROM 'results/**/records.parquet' WHERE status = 'completed' GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    assert [(experiment, name) for experiment, name, *_ in found] == [
        (experiment, name) for experiment in ("quality", "quant") for name in ("fp4", "int8", "none")
    ]
    assert sum(count for _, _, count, *_ in found) == len(trials)
    assert sum(tokens for *_, tokens, _ in found) == sum(trial["measurement"]["output_tokens"] for trial in trials)
    assert max(peak for *_, peak in found) == max(trial["measurement"]["peak_rss_bytes"] for trial in trials)


def test_duckdb_has_real_types_and_nulls(results: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(results.parent)
    described = duckdb.sql("DESCRIBE SELECT * FROM 'results/**/records.parquet'").fetchall()
    types = {name: type_ for name, type_, *_ in described}
    assert types["weights_bytes"] == "BIGINT"
    assert types["elapsed_sec"] == "DOUBLE"
    assert types["is_reference"] == "BOOLEAN"
    assert types["finished_at"] == "TIMESTAMP WITH TIME ZONE"
    not_run = duckdb.sql(
        """SELECT count(*), count(trial_id), count(weights_bytes)
        FROM 'results/**/records.parquet' WHERE status = 'not_run'"""
    ).fetchall()
    assert not_run == [(3, 0, 0)]


def test_pandas_reads_every_run(results: Path):
    table = pd.concat([pd.read_parquet(file) for file in results.rglob("records.parquet")])
    completed = table[table["status"] == "completed"]
    trials = trials_of(results)
    assert len(completed) == len(trials)
    assert sorted(completed["output_text"]) == sorted(trial["measurement"]["output_text"] for trial in trials)
    assert str(completed["finished_at"].dtype) == "datetime64[ms, UTC]"
    assert table[table["status"] == "not_run"]["elapsed_sec"].isna().tolist() == [True] * 3


def test_pandas_reads_many_files_as_one_dataset(results: Path):
    files = sorted(results.rglob("records.parquet"))
    table = pd.read_parquet(files)
    assert len(table) == len(trials_of(results)) + 3
    assert set(table["experiment"]) == {"quant", "quality"}


def test_polars_scans_all_runs_with_one_pattern(results: Path):
    scanned = pl.scan_parquet(f"{results}/**/records.parquet")
    assert scanned.collect_schema()["started_at"] == pl.Datetime("ms", "UTC")
    completed = scanned.filter(pl.col("status") == "completed").collect()
    trials = trials_of(results)
    assert completed.height == len(trials)
    assert sorted(completed["elapsed_sec"]) == sorted(trial["measurement"]["elapsed_sec"] for trial in trials)
    latest = max(datetime.datetime.fromisoformat(trial["at"].replace("Z", "+00:00")) for trial in trials)
    assert completed["finished_at"].max() == latest


def test_the_csv_is_the_same_table_to_all_three(results: Path):
    for file in results.rglob("records.csv"):
        whole = pd.read_parquet(file.with_suffix(".parquet"))
        by_pandas = pd.read_csv(file)
        assert list(by_pandas.columns) == list(whole.columns)
        assert len(by_pandas) == len(whole) == pl.read_csv(file, infer_schema_length=None).height
        assert by_pandas["elapsed_sec"].tolist() == pytest.approx(whole["elapsed_sec"].tolist(), nan_ok=True)
        assert duckdb.read_csv(str(file)).fetchall()[0][1] == whole["run_id"][0]
