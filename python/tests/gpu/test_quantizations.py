"""Every quantization on the card, compared trial by trial with a plain loop that does the same in its own process."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import trial
from tests.gpu.conftest import Note, PlainLoop, StartedMachine
from tests.gpu.models import QUANTIZATIONS, configure_folder

pytestmark = pytest.mark.gpu

_PROMPT = "What does a falcon see from above?"
_PAIRS = 9
_NEW_TOKENS = 48
_PEAK_TOLERANCE = 0.01
_SPEED_TOLERANCE = 0.02
#: For a simulated card, where no speed is judged.
_SIMULATED_PAIRS = 2
_SIMULATED_NEW_TOKENS = 6


@dataclass
class Paired:
    """One quantization, measured by both sides in turn."""

    quantization: str
    is_simulated: bool
    load: dict[str, Any]
    trials: list[dict[str, Any]] = field(default_factory=list)
    plain: list[dict[str, Any]] = field(default_factory=list)

    def compute_ratio(self, name: str) -> float:
        """The median over the pairs of falcon-exp's figure ÷ the plain loop's."""
        return statistics.median(
            _read(own, name) / _read_plain(other, name) for own, other in zip(self.trials, self.plain, strict=True)
        )


def _read(measured: dict[str, Any], name: str) -> float:
    return float(measured[name])


def _read_plain(measured: dict[str, Any], name: str) -> float:
    if name == "decode_tokens_per_sec":
        # The plain loop does not time each token, so this is the time of all tokens less that of the first one.
        return float((measured["output_tokens"] - 1) / (measured["elapsed_sec"] - measured["first_token_sec"]))
    return float(measured[name])


@pytest.fixture(scope="module", params=QUANTIZATIONS)
def paired(
    request: pytest.FixtureRequest, started: StartedMachine, plain: PlainLoop, model_folder: str
) -> Iterator[Paired]:
    """Both sides hold the model on the same card at once, and take turns."""
    quantization: str = request.param
    is_simulated = started.machine.is_simulated
    new_tokens = _SIMULATED_NEW_TOKENS if is_simulated else _NEW_TOKENS
    worker = started.worker
    body = trial(_PROMPT, max_new_tokens=new_tokens, min_new_tokens=new_tokens)
    asked = {"configuration": configure_folder(quantization, model_folder, "cuda")}
    pairs = Paired(quantization, is_simulated, worker.ok("load", asked)["measurement"])
    plain.ask("load", folder=model_folder, quantization=quantization, device=0)
    worker.ok("generate", {**body, "phase": "warmup"})
    plain.ask("generate", prompt=_PROMPT, new_tokens=new_tokens)
    for _ in range(_SIMULATED_PAIRS if is_simulated else _PAIRS):
        pairs.trials.append(worker.ok("generate", body)["measurement"])
        pairs.plain.append(plain.ask("generate", prompt=_PROMPT, new_tokens=new_tokens))
    yield pairs
    worker.ok("unload")
    worker.forget()


def test_the_model_lies_on_the_card_and_is_quantized_as_asked(
    paired: Paired, started: StartedMachine, note: Note
) -> None:
    proof = paired.load["proof"]
    effective = proof["quantization_effective"]
    uuid = started.machine.card["uuid"]
    note(
        f"{paired.quantization} on cuda",
        f"{effective['type'] or 'none'}, {proof['quantized_linear_layers']} of {proof['linear_layers']} layers",
        "as asked, on the card",
    )
    assert [card["uuid"] for card in paired.load["devices"]] == [uuid]
    assert {measured["devices"][0] for measured in paired.trials} == {uuid}
    expected_type = {"none": None, "int8": "int8", "fp4": "fp4", "nf4-double": "nf4"}[paired.quantization]
    assert effective["type"] == expected_type
    assert effective["double_quant"] == {"fp4": False, "nf4-double": True}.get(paired.quantization)
    # All linear layers but the output head.
    expected_layers = 0 if paired.quantization == "none" else proof["linear_layers"] - 1
    assert proof["quantized_linear_layers"] == expected_layers
    if not started.machine.is_simulated:
        assert set(proof["device_map"].values()) == {"cuda:0"}


def test_the_card_and_not_the_host_is_reported_as_memory(paired: Paired) -> None:
    for measured in paired.trials:
        assert measured["peak_memory_allocated_bytes"] >= paired.load["proof"]["weights_bytes"]
        assert measured["peak_memory_allocated_bytes_by_device"] == [measured["peak_memory_allocated_bytes"]]


def test_the_peak_is_that_of_a_plain_script(paired: Paired, note: Note) -> None:
    own = statistics.median(measured["peak_memory_allocated_bytes"] for measured in paired.trials)
    other = statistics.median(measured["peak_allocated_bytes"] for measured in paired.plain)
    note(
        f"{paired.quantization}: peak allocated ÷ plain script's",
        f"{own / other:.4f} ({own / 1e6:.1f} MB)",
        f"1 ± {_PEAK_TOLERANCE:.0%}",
    )
    assert own == pytest.approx(other, rel=_PEAK_TOLERANCE)


@pytest.mark.parametrize("name", ["elapsed_sec", "decode_tokens_per_sec"])
def test_it_is_as_fast_as_in_a_plain_loop(paired: Paired, note: Note, name: str) -> None:
    assert {measured["input_tokens"] for measured in paired.trials} == {paired.plain[0]["input_tokens"]}
    assert {measured["output_tokens"] for measured in paired.trials} == {paired.plain[0]["output_tokens"]}
    ratio = paired.compute_ratio(name)
    what = {"elapsed_sec": "generate", "decode_tokens_per_sec": "decode rate"}[name]
    note(f"{paired.quantization}: {what} ÷ plain loop's", f"{ratio:.4f}", f"1 ± {_SPEED_TOLERANCE:.0%}")
    if paired.is_simulated:
        pytest.skip("no GPU: a simulated card has no speed of its own")
    assert ratio == pytest.approx(1, abs=_SPEED_TOLERANCE)
