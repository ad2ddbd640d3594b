"""Whatever comes over the wire is either read as it stands or refused: fuzzed with noise to nearly valid messages.

FALCON_EXP_FUZZ_RUNS and FALCON_EXP_FUZZ_SEED allow a run of a whole night; src/protocol is fuzzed against this side in
test/reliability/fuzz-wire.test.ts.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from falcon_exp.worker.wire import (
    Message,
    WireError,
    decode_controller_message,
    decode_worker_message,
    encode_worker_message,
    request_id_of,
)

RUNS = int(os.environ.get("FALCON_EXP_FUZZ_RUNS", "10000"))
SEED = int(os.environ.get("FALCON_EXP_FUZZ_SEED", "20261125"))
GOLDEN = Path(__file__).parents[2] / "test" / "golden"
FRAMES = {
    side: [path.read_bytes() for path in sorted((GOLDEN / side / "valid").glob("*.json"))]
    for side in ("controller", "worker")
}
DECODERS = {"controller": decode_controller_message, "worker": decode_worker_message}
SPLINTERS = [
    b'"v":2,',
    b"NaN",
    b"1e999",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"\xef\xbb\xbf",
    b"[" * 50,
    b"9" * 5000,
    b'"',
    b"}",
]


#: Values that a validator may mistake for something else.
TRICKY: list[Any] = [
    *(None, True, False, 0, -1, 0.5, -0.0, 2**53, 2**63, 10**400, 1e308, float("nan"), float("inf")),
    *("", " ", "cpu", "cpu\n", "\ud800", "\0", "\u202e", "\U0001f600" * 60, "a" * 101, "left", "ok", "load"),
    *([], [[]], [None], {}, {"a": 1}, {"v": 1}, {"": {}}),
]


def frame_of(random: Random, side: str) -> bytes:
    """Noise, JSON, golden messages, and golden messages with a few bytes changed or one value replaced."""
    kind = random.choice(["noise", "json", "golden", "bytes", "bytes", "value", "value", "value"])
    if kind == "noise":
        return random.randbytes(random.randrange(300))
    if kind == "json":
        return dumped([random.choice(TRICKY), {"v": random.choice(TRICKY)}])
    frame = random.choice(FRAMES[side])
    if kind == "bytes":
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(frame))
            splinter = random.choice([*SPLINTERS, random.randbytes(2), b""])
            frame = frame[:at] + splinter + frame[at + random.randrange(20) :]
    if kind == "value":
        message = json.loads(frame)
        holder, key = random.choice(places(message))
        holder[key] = random.choice(TRICKY)
        frame = dumped(message)
    return frame


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place inside ``value`` that holds a value, as (container, key)."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, held in inner for place in ((value, key), *places(held))]


def test_whatever_comes_is_read_as_it_stands_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    seen: Counter[str] = Counter()

    # The same cases each time, so a failure can be repeated. Hypothesis draws only the generator's seed: that is fast.
    @seed(SEED)
    @settings(max_examples=RUNS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=st.integers(0, 2**64 - 1), side=st.sampled_from(["controller", "worker"]))
    def check(case: int, side: str) -> None:
        frame = frame_of(Random(case), side)  # noqa: S311
        identifier = request_id_of(frame)
        assert identifier is None or 0 < len(identifier) <= 100
        try:
            message: Message = DECODERS[side](frame)
        except WireError:
            seen["refused"] += 1
            return
        seen["read"] += 1
        assert message == json.loads(frame)
        if side == "worker":
            assert decode_worker_message(encode_worker_message(message)) == message

    check()
    with capsys.disabled():
        print(f"\nfuzz messages in Python: {RUNS} cases, seed {SEED}, {dict(seen)}")
    # Cases that are all refused, or all read, would prove nothing.
    assert min(seen["read"], seen["refused"]) > RUNS / 20
