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
from falcon_exp.results.sealed_line import open_line

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


def again(folder: Path, *, changed: dict[str, str] | None = None) -> Run:
    """Copies the run under another name and replaces the texts of ``changed`` in its records."""
    first = run_of(folder)
    copy = Run(shutil.copytree(first.folder, first.folder.with_name(LATER)))
    text = copy.records_path.read_text("utf-8").replace(first.id, LATER)
    for before, after in (changed or {}).items():
        assert before in text
        text = text.replace(before, after)
    copy.records_path.write_text(text, "utf-8")
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


def test_of_a_run_that_several_machines_measured_each_row_has_its_own(folder: Path) -> None:
    run = again(folder)
    lines = [json.loads(line) for line in run.records_path.read_text("utf-8").splitlines()]
    first = next(record["configuration_id"] for record in lines if record["kind"] == "load")
    for record in lines:
        record.pop("crc32", None)
        if record["kind"] == "load" and record["configuration_id"] == first:
            record["hostname"] = "n7"
    run.records_path.write_text("".join(f"{json.dumps(record)}\n" for record in lines), "utf-8")
    for drawn in ("records.parquet", "records.csv"):
        (run.folder / drawn).unlink(missing_ok=True)
    hosts = load(run).groupby("configuration_id")["hostname"].unique()
    assert list(hosts[first]) == ["n7"]
    assert all(list(names) != ["n7"] for label, names in hosts.items() if label != first)


def test_whole_numbers_that_can_be_missing_stay_whole(folder: Path) -> None:
    table = load(folder)
    assert table["weights_bytes"].dtype == "Int64"
    # A CPU has no such memory: the cells are missing, but the column still has its type.
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
    # The warning points at the calling line.
    assert warning.filename == __file__


@pytest.mark.parametrize("backend", ["pandas", "polars"])
@pytest.mark.parametrize("experiment", ["quant", "quality"])
def test_a_run_that_no_report_has_drawn_is_the_same_table_out_of_its_records(
    experiment: str, backend: Any, tmp_path: Path
) -> None:
    (drawn,) = runs(EXAMPLES / experiment)
    (tmp_path / drawn.id).mkdir()
    shutil.copy(drawn.records_path, tmp_path / drawn.id)
    expected, made = load(drawn, backend=backend), load(tmp_path, backend=backend)
    assert list(made.columns) == list(expected.columns)
    assert list(made.dtypes) == list(expected.dtypes)
    for name in expected.columns:
        assert [None if pd.isna(one) else one for one in made[name]] == [
            None if pd.isna(one) else one for one in expected[name]
        ], name


def test_a_table_older_than_its_records_is_not_read(folder: Path) -> None:
    run = run_of(folder)
    trials = [line for line in run.records_path.read_bytes().splitlines(keepends=True) if b'"kind":"trial"' in line]
    later = json.loads(open_line(trials[-1].rstrip(b"\n")) or b"")
    later |= {"trial_id": "fp4/p1/r9", "trial_index": 9, "at": "2099-12-31T23:59:59.000Z"}
    with run.records_path.open("ab") as file:
        file.write(json.dumps(later, separators=(",", ":")).encode() + b"\n")
    assert len(load(run.folder)) == 16


def test_configurations_have_what_the_summary_says_of_them(folder: Path) -> None:
    run = run_of(folder)
    table = run.configurations.set_index("configuration")
    for entry in run.summary["configurations"]:
        row = table.loc[entry["label"]]
        assert row["quantization"] == entry["axes"]["quantization"]
        assert row["weights_bytes"] == entry["weights_bytes"]
        assert row["median_elapsed_sec"] == entry["elapsed_sec"]["median"]
        assert row["median_peak_memory_bytes"] == entry["peak_memory_bytes"]["median"]
        if entry["against_reference"] is not None:
            assert row["time_ratio"] == entry["against_reference"]["time"]["ratio"]
            assert row["time_verdict"] == entry["against_reference"]["time"]["verdict"]
            assert row["answers_equal"] == entry["against_reference"]["answers_equal"]


def test_quality_and_tasks_are_rows_of_every_text_and_metric() -> None:
    (run,) = runs(EXAMPLES / "quality")
    scored = [(entry, one) for entry in run.summary["configurations"] for one in entry["quality"]]
    assert list(run.quality["text"]) == [one["text_id"] for _, one in scored]
    for row, (entry, one) in zip(run.quality.itertuples(), scored, strict=True):
        assert (row.configuration, row.perplexity) == (entry["label"], one["perplexity"]["value"])
        if one["ppl_ratio"] is not None:
            assert (row.ppl_ratio, row.ppl_ratio_ci95_low) == (one["ppl_ratio"]["value"], one["ppl_ratio"]["ci95_low"])
    told = [
        (entry["label"], one["metric"], one["value"])
        for e in [run.summary]
        for entry in e["configurations"]
        for one in entry["lm_eval"]
    ]
    assert list(run.tasks[["configuration", "metric", "value"]].itertuples(index=False, name=None)) == told


def test_tokens_have_the_times_of_the_records_and_texts_their_divergences(folder: Path) -> None:
    run = run_of(folder)
    tokens = run.tokens.query("configuration == 'fp4' and prompt_id == 'yeast'")
    (trial,) = [
        one
        for one in run.records()
        if one["kind"] == "trial" and (one["configuration"], one["prompt_id"]) == ("fp4", "yeast")
    ]
    measured = trial["measurement"]
    assert list(tokens["latency_sec"]) == [measured["ttft_sec"], *measured["itl_sec"]]
    assert list(tokens["token"]) == list(range(1, 33))
    (scored,) = runs(EXAMPLES / "quality")
    mean = scored.text_tokens.groupby(["configuration", "text"], observed=True)["kl_nats"].mean()
    entry = scored.summary["configurations"][2]["quality"][1]
    assert mean["fp4", entry["text_id"]] == pytest.approx(entry["kl_divergence"]["mean"])


def test_what_no_report_has_drawn_lacks_its_intervals_and_says_so(tmp_path: Path) -> None:
    (drawn,) = runs(EXAMPLES / "quality")
    shutil.copy(drawn.records_path, tmp_path)
    with pytest.warns(ResultsWarning, match=r"intervals and verdicts are missing.*falcon-exp report") as caught:
        made = Run(tmp_path).quality
    assert len(caught) == 1
    for name in ("perplexity", "ppl_ratio", "kl_mean_nats", "kl_median_nats", "top1_agreement"):
        assert made[name].dropna().tolist() == pytest.approx(drawn.quality[name].dropna().tolist())
    assert made["ppl_ratio_ci95_low"].isna().all()


def test_a_damaged_summary_is_as_good_as_none(folder: Path) -> None:
    run = run_of(folder)
    (run.folder / "summary.json").write_text('{"status": ', "utf-8")
    with pytest.warns(ResultsWarning, match=r"intervals and verdicts are missing.*falcon-exp report"):
        made = run.configurations
    assert made["time_ratio"].isna().all()
    assert made["weights_bytes"].notna().all()
    with pytest.raises(ResultsError, match=r"Could not read .*summary.json.*\[results-not-drawn\]"):
        _ = run.summary


def test_configurations_stand_in_the_order_of_the_plan(folder: Path) -> None:
    for table in (load(folder), run_of(folder).configurations):
        assert table["configuration"].cat.ordered
        assert list(table["configuration"].cat.categories) == ["none", "int8", "fp4"]
    in_polars = load(folder, table="configurations", backend="polars")
    assert in_polars["configuration"].dtype == pl.Enum(["none", "int8", "fp4"])


def test_each_axis_is_a_column_numbers_as_numbers(folder: Path) -> None:
    text = run_of(folder).records_path.read_text("utf-8").splitlines()
    run = json.loads(open_line(text[0].encode()) or b"")
    for at, plan in enumerate(run["configurations"]):
        plan["axes"] = {"quantization": plan["axes"]["quantization"], "max_new_tokens": f"max_new_tokens={at}"}
        plan["generation"]["max_new_tokens"] = 8 * (at + 1)
    run_of(folder).records_path.write_text("\n".join([json.dumps(run), *text[1:]]) + "\n", "utf-8")
    table = load(folder, table="tasks")
    assert list(table.columns)[5:7] == ["quantization", "max_new_tokens"]
    assert load(folder, table="configurations")["max_new_tokens"].tolist() == [8, 16, 24]


@pytest.mark.parametrize("backend", ["pandas", "polars"])
@pytest.mark.parametrize(
    ("axis", "planned", "expected"),
    # A plan writes a depth of 0 as null.
    [("depth", [None, 4096, 8192], [0, 4096, 8192]), ("top_p", [0.9, 0.95, 1], [0.9, 0.95, 1.0])],
)
def test_an_axis_of_numbers_has_one_type_that_holds_them_all(
    folder: Path, axis: str, planned: list[Any], expected: list[Any], backend: Any
) -> None:
    text = run_of(folder).records_path.read_text("utf-8").splitlines()
    run = json.loads(open_line(text[0].encode()) or b"")
    for plan, value in zip(run["configurations"], planned, strict=True):
        plan["axes"][axis] = f"{axis} {value or 0}"
        plan["generation"][axis] = value
    run_of(folder).records_path.write_text("\n".join([json.dumps(run), *text[1:]]) + "\n", "utf-8")
    assert list(load(folder, table="configurations", backend=backend)[axis]) == expected


def test_another_table_is_refused(folder: Path) -> None:
    table: Any = "answers"
    with pytest.raises(ValueError, match="trials, configurations, quality, tasks, tokens, text_tokens, not 'answers'"):
        load(folder, table=table)


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
