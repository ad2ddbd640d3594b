"""Perplexity, KL divergence and top-1 agreement, compared with a plain loop that shares no code with the worker."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.logprobs import LogprobsWriter
from falcon_exp.worker.trial.quality import cut_windows, measure_quality
from tests.conftest import SHARP_LLAMA, configuration, generation
from tests.driver import WorkerDriver

_TEXT = "The ferry leaves at ten past six, when the harbour is still the colour of slate. " * 8
_TEXTS = Path(__file__).parents[2] / "texts"


def _request(folder: Path, mode: str, text: str = _TEXT, context: int = 64) -> Any:
    logprobs = {"mode": mode} if mode == "none" else {"mode": mode, "folder": str(folder)}
    return {"text_id": "t", "text": text, "context": context, "max_tokens": None, "logprobs": logprobs}


def _loop(loaded: Loaded, text: str, context: int) -> list[np.ndarray[Any, Any]]:
    """Log-probabilities at every scored position in float64: one forward pass per window, softmax by hand."""
    ids = loaded.tokenizer(text)["input_ids"]
    rows: list[np.ndarray[Any, Any]] = []
    for window in range(len(ids) // context):
        piece = ids[window * context : (window + 1) * context]
        with torch.no_grad():
            logits = loaded.model(torch.tensor([piece])).logits[0].double().numpy()
        for position in range(context // 2, context - 1):
            row = logits[position] - logits[position].max()
            row = row - math.log(sum(math.exp(value) for value in row))
            rows.append(np.append(row, piece[position + 1]))
    return rows


def _nll(rows: list[np.ndarray[Any, Any]]) -> float:
    return -sum(row[int(row[-1])] for row in rows) / len(rows)


def _kl(reference: list[np.ndarray[Any, Any]], own: list[np.ndarray[Any, Any]]) -> list[float]:
    return [
        sum(math.exp(p) * (p - q) for p, q in zip(a[:-1], b[:-1], strict=True))
        for a, b in zip(reference, own, strict=True)
    ]


def test_perplexity_and_divergence_agree_with_a_plain_loop(tmp_path: Path) -> None:
    reference = load(configuration(), Devices.open())
    measured = measure_quality(reference, _request(tmp_path / "lp", "write"), lambda *_: None)
    rows = _loop(reference, _TEXT, 64)
    assert len(measured["token_nll"]) == len(rows) == measured["windows"] * 31
    assert sum(measured["token_nll"]) / len(rows) == pytest.approx(_nll(rows), rel=1e-6)
    own = load(configuration("fp4"), Devices.open())
    compared = measure_quality(own, _request(tmp_path / "lp", "read"), lambda *_: None)
    own_rows = _loop(own, _TEXT, 64)
    divergences = _kl(rows, own_rows)
    found = compared["against_reference"]
    assert sum(found["kl_nats"]) == pytest.approx(sum(divergences), rel=1e-3)
    same = [int(np.argmax(a[:-1]) == np.argmax(b[:-1])) for a, b in zip(rows, own_rows, strict=True)]
    assert found["top1_equal"] == same
    assert sum(compared["token_nll"]) / len(own_rows) == pytest.approx(_nll(own_rows), rel=1e-6)


@pytest.fixture
def builtin_model() -> Path:
    return Path(os.environ["FALCON_EXP_TEST_MODEL"])


def test_the_embedded_model_agrees_with_a_plain_loop_in_bf16_and_fp4(tmp_path: Path, builtin_model: Path) -> None:
    text = (_TEXTS / "english.txt").read_text("utf-8")[:1500]
    model = {"source": "builtin", "name": "smollm2-135m-instruct", "path": str(builtin_model)}
    loop: list[np.ndarray[Any, Any]] = []
    for quantization, mode in (("none", "write"), ("fp4", "read")):
        loaded = load(configuration(quantization, model=model), Devices.open())
        found = measure_quality(loaded, _request(tmp_path / "lp", mode, text, 128), lambda *_: None)
        own = _fast_loop(loaded, text, 128, found["windows_at_once"])
        count = len(found["token_nll"])
        nll = -sum(row[int(row[-1])] for row in own) / count
        assert sum(found["token_nll"]) / count == pytest.approx(nll, rel=1e-3)
        assert math.exp(sum(found["token_nll"]) / count) == pytest.approx(math.exp(nll), rel=1e-3)
        if mode == "read":
            kl = [float((np.exp(a[:-1]) * (a[:-1] - b[:-1])).sum()) for a, b in zip(loop, own, strict=True)]
            assert np.mean(found["against_reference"]["kl_nats"]) == pytest.approx(np.mean(kl), rel=1e-3)
            assert max(found["against_reference"]["kl_nats"]) == pytest.approx(max(kl), rel=1e-3)
        loop = own


def _fast_loop(loaded: Loaded, text: str, context: int, at_once: int) -> list[np.ndarray[Any, Any]]:
    """Like ``_loop`` but with NumPy's softmax, because 49,152 exponentials per token take a Python loop minutes.

    Reads as many windows per forward pass as the worker does: in bfloat16, a CPU with AMX rounds a batch and a single
    window differently, so that perplexities were 0.2 % apart.
    """
    ids = loaded.tokenizer(text)["input_ids"]
    pieces = [ids[start : start + context] for start in range(0, len(ids) // context * context, context)]
    rows: list[np.ndarray[Any, Any]] = []
    for first in range(0, len(pieces), at_once):
        some = pieces[first : first + at_once]
        with torch.no_grad():
            batch = loaded.model(torch.tensor(some)).logits.double().numpy()
        for piece, logits in zip(some, batch, strict=True):
            for position in range(context // 2, context - 1):
                shifted = logits[position] - logits[position].max()
                rows.append(np.append(shifted - math.log(np.exp(shifted).sum()), piece[position + 1]))
    return rows


def test_windows_that_are_read_together_are_scored_as_each_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(configuration(dtype="float32"), Devices.open())
    together = measure_quality(loaded, _request(tmp_path / "lp", "write"), lambda *_: None)
    assert together["windows_at_once"] == together["windows"] > 5
    monkeypatch.setattr("falcon_exp.worker.trial.quality.windows_at_once", lambda *_: 1)
    told: list[tuple[int, int]] = []
    alone = measure_quality(loaded, _request(tmp_path / "lp", "read"), lambda *over: told.append(over))
    assert alone["token_nll"] == pytest.approx(together["token_nll"], abs=1e-5)
    assert max(alone["against_reference"]["kl_nats"]) < 1e-6
    assert told[-1] == (alone["windows"], alone["windows"])


def test_windows_are_read_one_at_a_time_where_they_would_change_each_other(tmp_path: Path) -> None:
    measured = measure_quality(
        load(configuration("int8"), Devices.open()), _request(tmp_path / "lp", "none"), lambda *_: None
    )
    assert measured["windows_at_once"] == 1


def test_what_a_quantized_cache_changes_is_seen_against_the_reference(tmp_path: Path) -> None:
    model = {"source": "random", "config": SHARP_LLAMA, "seed": 3, "tokenizer": "bytes"}
    loaded = load(configuration(model=model, dtype="float32"), Devices.open())
    plain = measure_quality(loaded, _request(tmp_path / "lp", "write", context=128), lambda *_: None)
    kl = {}
    for bits in (4, 2):
        cache = {"type": "quantized", "backend": "quanto", "bits": bits, "group": 64}
        request: Any = {**_request(tmp_path / "lp", "read", context=128), "cache": cache}
        measured = measure_quality(loaded, request, lambda *_: None)
        assert (measured["cache"], measured["windows_at_once"]) == ("QuantizedCache", 1)
        kl[bits] = float(np.mean(measured["against_reference"]["kl_nats"]))
    assert plain["cache"] is None
    assert kl[2] > kl[4] > 1e-6


def test_a_model_does_not_diverge_from_itself(tmp_path: Path) -> None:
    loaded = load(configuration(), Devices.open())
    first = measure_quality(loaded, _request(tmp_path / "lp", "write"), lambda *_: None)
    again = measure_quality(loaded, _request(tmp_path / "lp", "read"), lambda *_: None)
    # Only the error of the 16-bit steps is left.
    assert max(again["against_reference"]["kl_nats"]) < 1e-7
    assert set(again["against_reference"]["top1_equal"]) == {1}
    assert again["token_nll"] == first["token_nll"]


def test_windows_do_not_overlap_and_only_their_second_halves_are_scored() -> None:
    loaded = load(configuration(), Devices.open())
    windows = cut_windows(loaded.tokenizer, "abcdefghijklmnopqrstuvwxy", 10, None)
    # ByT5 reads a byte as its value + 3 and ends with a token of its own: 26 tokens, two windows of 10, 6 left out.
    assert windows.ids.tolist() == [[byte + 3 for byte in b"abcdefghij"], [byte + 3 for byte in b"klmnopqrst"]]
    assert (windows.tokens, windows.first_scored, windows.scored) == (26, 6, 8)


def test_a_beginning_token_stands_at_the_start_of_every_window() -> None:
    class Tokenizer:
        bos_token_id = 1

        def __call__(self, _text: str) -> dict[str, list[int]]:
            return {"input_ids": [1, 5, 6, 7, 8, 9, 10, 11]}

    windows = cut_windows(Tokenizer(), "…", 4, None)
    assert windows.ids.tolist() == [[1, 5, 6, 7], [1, 9, 10, 11]]
    assert windows.bos_replaced


def test_a_text_that_fills_no_window_is_refused(tmp_path: Path) -> None:
    loaded = load(configuration(), Devices.open())
    with pytest.raises(WorkerError) as caught:
        measure_quality(loaded, _request(tmp_path / "lp", "none", "short"), lambda *_: None)
    assert caught.value.code == "text-too-short"


def test_a_window_beyond_the_models_context_is_refused(tmp_path: Path) -> None:
    loaded = load(configuration(), Devices.open())
    with pytest.raises(WorkerError) as caught:
        measure_quality(loaded, _request(tmp_path / "lp", "none", context=256), lambda *_: None)
    assert caught.value.code == "prompt-too-long"


def test_without_the_reference_perplexity_is_still_measured_and_the_reason_given(tmp_path: Path) -> None:
    loaded = load(configuration(), Devices.open())
    missing = measure_quality(loaded, _request(tmp_path / "nowhere", "read"), lambda *_: None)
    assert missing["against_reference"] is None
    assert missing["against_reference_note"] == "the reference was not measured on this text"
    assert len(missing["token_nll"]) > 0
    measure_quality(loaded, _request(tmp_path / "lp", "write"), lambda *_: None)
    other = measure_quality(loaded, _request(tmp_path / "lp", "read", _TEXT.upper()), lambda *_: None)
    assert other["against_reference_note"] == "the reference reads this text as other tokens"


def _pad_head(loaded: Loaded, columns: int) -> None:
    """Gives the model a head that is ``columns`` wide; its config still names the vocabulary without padding."""
    head = loaded.model.lm_head
    torch.manual_seed(0)
    padded = torch.nn.Linear(head.in_features, columns, bias=False).to(head.weight.dtype)
    with torch.no_grad():
        padded.weight.mul_(0.1)
        padded.weight[: head.out_features] = head.weight
    loaded.model.lm_head = padded


@pytest.mark.parametrize(("reference_columns", "own_columns"), [(512, 512), (512, 384), (384, 512)])
def test_a_head_padded_beyond_the_vocabulary_compares(tmp_path: Path, reference_columns: int, own_columns: int) -> None:
    reference, own = (load(configuration(one), Devices.open()) for one in ("none", "fp4"))
    _pad_head(reference, reference_columns)
    _pad_head(own, own_columns)
    stored = measure_quality(reference, _request(tmp_path / "lp", "write"), lambda *_: None)["stored"]
    assert stored["vocabulary"] == reference_columns
    found = measure_quality(own, _request(tmp_path / "lp", "read"), lambda *_: None)
    assert found["against_reference_note"] is None
    assert len(found["against_reference"]["kl_nats"]) == len(found["token_nll"])
    assert 0 < sum(found["against_reference"]["top1_equal"]) < len(found["token_nll"])


def test_a_model_without_a_column_for_each_token_is_not_compared(tmp_path: Path) -> None:
    reference, own = (load(configuration(), Devices.open()) for _ in range(2))
    measure_quality(reference, _request(tmp_path / "lp", "write"), lambda *_: None)
    own.model.lm_head.weight = torch.nn.Parameter(own.model.lm_head.weight[:300])
    found = measure_quality(own, _request(tmp_path / "lp", "read"), lambda *_: None)
    assert found["against_reference"] is None
    assert "384 tokens to choose from, this model 300, and the tokenizer 384" in found["against_reference_note"]


def test_who_takes_the_log_probabilities_does_not_do_so_in_inference_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(configuration(), Devices.open())
    modes: list[bool] = []

    def fail(_writer: LogprobsWriter, _rows: torch.Tensor) -> None:
        modes.append(torch.is_inference_mode_enabled())
        raise OSError("the disk is gone")

    def on_window(_over: int, _windows: int) -> None:
        modes.append(torch.is_inference_mode_enabled())

    measure_quality(loaded, _request(tmp_path / "lp", "write"), on_window)
    monkeypatch.setattr(LogprobsWriter, "add", fail)
    with pytest.raises(OSError, match="gone") as caught:
        measure_quality(loaded, _request(tmp_path / "lp", "write"), on_window)
    # The frames of the failure are still alive.
    assert caught.tb is not None
    modes.append(torch.is_inference_mode_enabled())
    assert len(modes) > 2
    assert not any(modes)


def test_a_worker_scores_a_text_between_a_trial_and_the_end(shared_worker: WorkerDriver, tmp_path: Path) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    measured = shared_worker.ok("quality", _request(tmp_path / "lp", "write"))["measurement"]
    error = shared_worker.error("quality", _request(tmp_path / "lp", "none", "short"))
    profile = shared_worker.ok("profile", {"prompt": "Hello", "generation": generation()})["measurement"]
    shared_worker.ok("unload")
    assert measured["stored"]["positions"] == len(measured["token_nll"])
    assert (error["code"], error["phase"]) == ("text-too-short", "quality")
    assert profile["decode_steps"] == 5
    assert 0 < profile["linear_sec"] + profile["head_sec"] <= profile["forward_sec"]
