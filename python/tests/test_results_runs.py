"""Runs, their charts and their answers, as a notebook sees them."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.results import ResultsError, ResultsWarning, Run, runs, show_offline

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "results" / "example"
GOLDEN = ROOT / "test" / "golden" / "record-files"
VEGALITE = "application/vnd.vegalite.v5+json"


@pytest.fixture
def quant() -> Run:
    (run,) = runs(EXAMPLES / "quant")
    return run


@pytest.fixture
def copied(quant: Run, tmp_path: Path) -> Run:
    return Run(shutil.copytree(quant.folder, tmp_path / "quant" / quant.id))


def test_importing_loads_no_heavy_library() -> None:
    code = "import falcon_exp.results, sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "python", capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "polars", "pyarrow", "altair", "numpy"} & set(out.stdout.split())


def test_runs_are_found_below_any_folder_oldest_first(quant: Run, tmp_path: Path) -> None:
    # A copy, because the runs of anyone who followed the README lie beside the examples.
    shutil.copytree(EXAMPLES, tmp_path / "lab" / "example")
    found = runs(tmp_path)
    assert [run.experiment for run in found] == ["quant", "quality"]
    assert [run.id for run in found] == sorted(run.id for run in found)
    assert [run.folder for run in runs(quant.folder)] == [quant.folder]
    assert [run.id for run in runs([quant, str(EXAMPLES / "quality")])] == [run.id for run in found]


def test_no_run_at_all_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ResultsError, match=r"run an experiment first.*\[results-not-found\]"):
            runs(folder)


def test_a_run_tells_what_its_records_and_its_summary_say(quant: Run) -> None:
    summary = json.loads((quant.folder / "summary.json").read_text("utf-8"))
    assert quant.summary == summary
    assert (quant.id, quant.experiment, quant.status) == (summary["run_id"], summary["experiment"], summary["status"])
    assert quant.started == datetime(2026, 11, 24, 12, 3, 5, 475000, tzinfo=timezone.utc)
    environment = json.loads((quant.folder / "environment.json").read_text("utf-8"))
    assert quant.environment["controller"] == environment["controller"]
    assert quant.environment["worker"]["packages"] == environment["worker"]["packages"]
    assert len([record for record in quant.records() if record["kind"] == "trial"]) == summary["trials_completed"]


def test_a_run_without_an_end_is_interrupted_and_its_torn_line_is_told(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "torn.jsonl", tmp_path / "records.jsonl")
    run = Run(tmp_path)
    assert run.status == "interrupted"
    with pytest.warns(ResultsWarning, match="line 5: the last line is torn"):
        assert [record["kind"] for record in run.records()] == ["run", "environment", "load", "warmup"]


def test_a_run_that_was_gone_on_with_ends_as_its_last_part_does(tmp_path: Path) -> None:
    lines = (GOLDEN / "of-before-there-were-checksums.jsonl").read_text("utf-8").splitlines()
    head = json.loads(lines[0])
    resume = {key: head[key] for key in ("schema_version", "run_id", "at", "falcon_exp_version", "controller")}
    resume |= {"kind": "resume", "retry_failed": False, "blocks_left": 1, "trials_left": 1, "environment_changes": []}
    load = json.loads(next(line for line in lines if '"kind":"load"' in line))
    again = {**load, "load": {**load["load"], "load_sec": 77.0}}
    later_round = {**load, "round": 1}
    records = [*lines, *(json.dumps(record) for record in (resume, again, later_round))]
    (tmp_path / "records.jsonl").write_text("\n".join(records) + "\n", "utf-8")
    run = Run(tmp_path)
    assert run.status == "interrupted"
    (configuration,) = run.facts.configurations
    assert configuration.load is not None
    assert configuration.load["load"]["load_sec"] == 77.0
    with (tmp_path / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write(lines[-1] + "\n")
    assert Run(tmp_path).status == "completed"


def test_a_summary_of_before_a_resume_is_told(copied: Run) -> None:
    lines = copied.records_path.read_text("utf-8").splitlines(keepends=True)
    copied.records_path.write_text("".join(lines[:-1]), "utf-8")
    with pytest.warns(ResultsWarning, match=r"summary.json is older than the records.*falcon-exp report"):
        assert copied.summary["status"] == "completed"


def test_what_is_not_drawn_names_the_command_that_draws_it(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "whole.jsonl", tmp_path / "records.jsonl")
    run = Run(tmp_path)
    with pytest.raises(ResultsError, match=r"falcon-exp report .*\[results-not-drawn\]"):
        _ = run.summary
    assert len(run.charts) == 0
    with pytest.raises(KeyError, match="falcon-exp report"):
        run.charts["overview"]


def test_answers_stand_prompt_by_prompt_beside_the_reference(quant: Run) -> None:
    answers = quant.answers
    assert [answer.configuration for answer in answers[:3]] == ["none", "int8", "fp4"]
    assert len({answer.prompt_id for answer in answers[:3]}) == 1
    assert [answer.same_as_reference for answer in answers[:3]] == [None, False, False]
    trials = {record["trial_id"]: record for record in quant.records() if record["kind"] == "trial"}
    assert answers[0].text == trials["none/p1/r1"]["measurement"]["output_text"]
    for configuration in quant.summary["configurations"][1:]:
        own = [answer for answer in answers if answer.configuration == configuration["label"]]
        assert (
            sum(answer.same_as_reference or False for answer in own)
            == (configuration["against_reference"]["answers_equal"])
        )


def test_the_prompt_of_an_answer_in_a_conversation_is_its_transcript(tmp_path: Path) -> None:
    lines = (GOLDEN / "of-before-there-were-checksums.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    records[0]["prompts"][0]["prompt"] = talk
    (tmp_path / "records.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    assert Run(tmp_path).answers[0].prompt == "user: a\n\nassistant: b\n\nuser: c"


def test_a_trial_that_failed_has_no_answer_and_says_why(tmp_path: Path) -> None:
    lines = (GOLDEN / "of-before-there-were-checksums.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    failure: dict[str, Any] = {
        "code": "out-of-memory-host",
        "message": "m",
        "next": "n",
        "phase": "measure",
        "exit_code": None,
    }
    failure |= {"exit_code": None, "signal": None, "stderr_tail": [], "traceback": None}
    for record in records:
        if record["kind"] == "trial":
            del record["measurement"]
            record |= {"status": "failed", "failure": failure}
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    (answer,) = Run(tmp_path).answers
    assert (answer.text, answer.failure_code) == (None, "out-of-memory-host")


def test_charts_are_found_by_name_and_a_wrong_name_lists_the_right_ones(quant: Run) -> None:
    assert list(quant.charts) == sorted(path.name[: -len(".vl.json")] for path in quant.folder.glob("charts/*.vl.json"))
    assert "overview" in quant.charts
    for name in ("overveiw", "../overview", "", "overview.vl.json"):
        with pytest.raises(KeyError, match="there are: article-fp4"):
            quant.charts[name]
    with pytest.raises(KeyError, match="Did you mean 'overview'"):
        quant.charts["overveiw"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*/charts/*.vl.json")), ids=lambda path: path.name)
def test_every_chart_is_altair_s_and_shows_the_report_s_picture(path: Path) -> None:
    import altair

    name = path.name[: -len(".vl.json")]
    chart = Run(path.parents[1]).charts[name]
    assert isinstance(chart, altair.TopLevelMixin)
    data, metadata = bundle_of(chart)
    assert base64.b64decode(data["image/png"]) == path.with_name(f"{name}.png").read_bytes()
    assert metadata["image/png"]["width"] > 300
    # JupyterLab draws this version itself, so nothing is fetched.
    assert data[VEGALITE]["$schema"].endswith("/v5.json")
    assert "text/html" not in data


def test_a_chart_that_was_changed_is_drawn_anew(quant: Run) -> None:
    chart: Any = quant.charts["tradeoff"]
    data, _ = bundle_of(chart.properties(title="Another title"))
    assert data[VEGALITE]["title"] == "Another title"
    assert data["image/png"] != bundle_of(chart)[0]["image/png"]


@pytest.mark.parametrize("name", ["tradeoff", "overview", "inter-token"])
def test_a_chart_stands_beside_one_s_own(quant: Run, name: str) -> None:
    import altair
    import pandas

    own = altair.Chart(pandas.DataFrame({"x": [1]})).mark_point().encode(x="x:Q")
    for both in (quant.charts[name] | own, own & quant.charts[name], altair.hconcat(quant.charts[name], own)):
        parts = both.to_dict()
        assert "padding" not in next(iter(parts.get("hconcat", parts.get("vconcat"))))
    # On its own, a chart keeps the report's styling and what is added to that.
    styled = quant.charts[name].configure_axis(grid=False).to_dict()
    assert (styled["padding"], styled["background"]) == (14, "white")
    assert styled["config"]["axis"]["grid"] is False
    assert styled["config"]["font"] == quant.charts.spec(name)["config"]["font"]


def test_a_run_shows_itself_with_markup_as_text(copied: Run) -> None:
    text = copied.records_path.read_text("utf-8").replace("SmolLM2-135M-Instruct", "<script>alert(1)</script>")
    copied.records_path.write_text(text, "utf-8")
    shown = copied._repr_html_()
    assert "<script>" not in shown
    assert "int8" in shown
    assert "slower" in shown


def test_charts_of_one_s_own_need_no_network_either() -> None:
    import altair
    import pandas

    active, options = altair.renderers.active, altair.renderers.options
    try:
        show_offline()
        chart = altair.Chart(pandas.DataFrame({"x": [1, 2]})).mark_point().encode(x="x")
        data, metadata = bundle_of(chart)
    finally:
        altair.renderers.enable(active, **options)
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["width"] > 100
    assert data[VEGALITE]["mark"]["type"] == "point"


def test_a_chart_without_its_picture_is_drawn(copied: Run) -> None:
    (copied.folder / "charts" / "overview.png").unlink()
    data, _ = bundle_of(copied.charts["overview"])
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def bundle_of(chart: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    data, metadata = chart._repr_mimebundle_()
    return data, metadata
