"""The notebook in docs/, executed by a real kernel: no cell fails, and what it says is what the summary says."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from falcon_exp.results import Run, runs
from scripts.execute_notebook import NOTEBOOK, execute, read, texts


@pytest.fixture(scope="module")
def fresh() -> Any:
    """The notebook, executed now; a cell that fails raises here."""
    return execute(read())


@pytest.fixture(scope="module")
def printed(fresh: Any) -> str:
    return "\n".join(text for _, text in texts(fresh))


@pytest.fixture(scope="module")
def run() -> Run:
    (found,) = [one for one in runs(NOTEBOOK.parents[2] / "results" / "example") if one.experiment == "quality"]
    return found


def compared(run: Run) -> list[dict[str, Any]]:
    entries = [entry for entry in run.summary["configurations"] if entry["against_reference"] is not None]
    assert len(entries) == 2
    return entries


def test_the_outputs_in_the_file_are_those_of_today(fresh: Any) -> None:
    assert len(texts(fresh)) >= 10
    assert texts(fresh) == texts(read()), "stale: run `python -m scripts.execute_notebook` in python/ and commit it"


def test_no_cell_wrote_to_stderr(fresh: Any) -> None:
    outputs = [output for cell in fresh.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert not [output for output in outputs if output.output_type == "error"]


def test_what_is_saved_is_what_the_summary_says(printed: str, run: Run) -> None:
    for entry in run.summary["configurations"]:
        assert re.search(rf"{entry['label']} +{entry['weights_bytes'] / 1e6:.3f}", printed)


def test_the_times_paired_by_hand_are_those_of_the_summary(printed: str, run: Run) -> None:
    for entry in compared(run):
        assert f"{entry['label']}: time x{entry['against_reference']['time']['ratio']:.3f} by hand" in printed


def test_tokens_per_second_are_the_summary_s_medians(printed: str, run: Run) -> None:
    for entry in run.summary["configurations"]:
        assert f"{entry['label']}: {entry['decode_tokens_per_sec']['median']:.2f} tokens/s" in printed


def test_what_is_said_of_the_answers_is_what_the_summary_says(printed: str, run: Run) -> None:
    for entry in compared(run):
        divergence = entry["against_reference"]["answer_divergence"]
        expected = (
            f"{entry['label']}: {divergence['equal']} of {divergence['pairs']} answers are the same; "
            f"the others first differ at token {divergence['first_difference_median']:g} (median)"
        )
        assert expected in printed
        assert f"    {entry['against_reference']['sentence']}" in printed


def test_the_perplexities_shown_are_the_summary_s(printed: str, run: Run) -> None:
    for entry in compared(run):
        for scored in entry["quality"]:
            row = rf"{entry['label']} +{scored['text_id']} .*{scored['ppl_ratio']['value']:.3f}"
            assert re.search(row, printed), row


def test_every_chart_has_its_specification_and_its_picture(fresh: Any) -> None:
    for notebook in (fresh, read()):
        charts = [
            output.data
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if "data" in output and any("vegalite" in kind for kind in output.data)
        ]
        assert len(charts) == 3
        for chart in charts:
            assert base64.b64decode(chart["image/png"]).startswith(b"\x89PNG")


def test_the_warning_of_mixed_runs_is_shown(printed: str) -> None:
    assert "IncompatibleRunsWarning: They ran under different conditions: worker code" in printed
