"""What really fits is found by bisection; each probe is a real load that is confined to the given memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker import fit_measure
from falcon_exp.worker.devices.simulated import card_file
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.fit_measure import Probe, Prober, find_largest
from tests.conftest import configuration
from tests.devices.simulated_cards import write_cards


@pytest.mark.parametrize(("limit", "guess"), [(1, 1), (1, 500), (7, 500), (333, 1), (333, 300), (333, 400), (1000, 3)])
def test_the_largest_that_fits_is_found_from_any_guess(limit: int, guess: int) -> None:
    asked: list[int] = []

    def fits(value: int) -> bool:
        asked.append(value)
        return value <= limit

    found, failed = find_largest(fits, least=1, most=1000, guess=guess, step=1)
    assert found == limit
    assert failed == (None if limit == 1000 else limit + 1)
    assert asked[0] == guess
    assert len(asked) == len(set(asked)) < 25


def test_where_not_even_the_least_fits_there_is_none() -> None:
    assert find_largest(lambda _: False, least=16, most=4096, guess=2048, step=16) == (None, 16)


def test_a_context_is_found_to_a_fiftieth() -> None:
    found, failed = find_largest(lambda value: value <= 5000, least=16, most=100_000, guess=3000, step=16)
    assert found is not None
    assert failed is not None
    assert found <= 5000 < failed
    assert failed - found <= 100


def _request(memory_bytes: int, **changes: Any) -> dict[str, Any]:
    own = {"configuration": configuration(), "search": "context", "context": 64, "batch": 1}
    return {**own, "least": 16, "most": 128, "guess": 64, "memory_bytes": memory_bytes, **changes}


def test_a_real_load_fits_into_a_memory_and_not_into_less(capsys: pytest.CaptureFixture[str]) -> None:
    request = _request(4_000_000_000)
    fit_measure.measure_fit(request, Prober(request).probe)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["value"], one["fits"]) for one in events[:-1]] == [(64, True), (96, True), (128, True)]
    assert events[-1]["largest"] == 128
    assert 100_000_000 < events[-1]["largest_peak_bytes"] < 4_000_000_000
    small = Prober(_request(50_000_000, search="batch")).probe(2)
    assert small.fits is False
    assert "the process without a model takes" in (small.reason or "")


def test_a_load_beyond_the_memory_is_denied_by_the_kernel() -> None:
    wide = {"model_type": "llama", "vocab_size": 384, "hidden_size": 2048, "num_hidden_layers": 4}
    config = {**wide, "intermediate_size": 8192, "num_attention_heads": 16}
    model = {"source": "random", "config": config, "seed": 1, "tokenizer": "bytes"}
    # 1.1 GB of weights in float32, beside a process of 0.3 GB.
    request = _request(700_000_000, configuration=configuration(model=model, dtype="float32"))
    found = Prober(request).probe(64)
    assert found.fits is False
    assert found.peak_bytes is None
    assert "the process without a model" not in (found.reason or "")
    assert "can't allocate memory" in (found.reason or "")


def test_where_a_forked_process_cannot_use_the_devices_the_next_is_spawned(tmp_path: Path) -> None:
    """In a process of its own, because the forkserver of this one has already looked for accelerators."""
    request = _request(4_000_000_000, guess=64, most=64)
    done = subprocess.run(
        [sys.executable, "-m", "falcon_exp.worker.fit_measure"],
        input=json.dumps(request) + "\n",
        env={**os.environ, card_file.VARIABLE: str(write_cards(tmp_path, are_hidden=True))},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["event"], one.get("fits")) for one in events] == [("probe", True), ("done", None)]


def test_a_process_that_was_killed_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_: Any) -> None:
        for process in multiprocessing.active_children():
            process.kill()
            process.join()
        raise EOFError

    monkeypatch.setattr(Prober, "_run", kill)
    found = Prober(_request(4_000_000_000)).probe(64)
    assert found == Probe(False, None, "the process was ended (killed by SIGKILL)")


def test_what_is_no_lack_of_memory_is_told() -> None:
    with pytest.raises(WorkerError, match="context of 128") as caught:
        Prober(_request(4_000_000_000)).probe(200)
    assert caught.value.code == "prompt-too-long"


def test_the_peak_decides_also_where_the_load_came_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prober, "_run", lambda *_: 3_000_000_000)
    assert Prober(_request(2_900_000_000)).probe(64) == Probe(False, 3_000_000_000, "it took 3.00 GB")
