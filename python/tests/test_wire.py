"""The wire format: the golden messages that the controller's tests read too, and arbitrary input."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcon_exp.worker.wire import (
    WireError,
    decode_controller_message,
    decode_worker_message,
    encode_worker_message,
    request_id_of,
)

GOLDEN = Path(__file__).parents[2] / "test" / "golden"
DECODE: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "controller": decode_controller_message,
    "worker": decode_worker_message,
}


def golden(kind: str) -> list[Path]:
    found = sorted(GOLDEN.glob(f"*/{kind}/*.json"))
    assert len(found) > 20
    return found


def name_of(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


@pytest.mark.parametrize("path", golden("valid"), ids=name_of)
def test_a_valid_message_is_taken_as_it_is(path: Path) -> None:
    frame = path.read_bytes()
    assert DECODE[path.parts[-3]](frame) == json.loads(frame)


@pytest.mark.parametrize("path", golden("invalid"), ids=name_of)
def test_an_invalid_message_is_refused(path: Path) -> None:
    with pytest.raises(WireError):
        DECODE[path.parts[-3]](path.read_bytes())


@pytest.mark.parametrize("path", [path for path in golden("valid") if path.parts[-3] == "worker"], ids=name_of)
def test_what_the_worker_sends_can_be_read_again(path: Path) -> None:
    message = json.loads(path.read_bytes())
    assert decode_worker_message(encode_worker_message(message)) == message


@settings(max_examples=1000, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=10,
        ).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    )
)
def test_no_bytes_raise_anything_but_a_wire_error(frame: bytes) -> None:
    for decode in DECODE.values():
        with pytest.raises(WireError):
            decode(frame)
    request_id_of(frame)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all places in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_message_with_one_value_replaced_is_refused_or_read_as_it_stands(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(golden("valid")))
    message = json.loads(path.read_bytes())
    place = data.draw(st.sampled_from([place for place in places(message) if place]))
    changed = copy.deepcopy(message)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = data.draw(st.sampled_from([None, -1, 0.5, "", "x", [], {}, True, 10**30]))
    try:
        read = DECODE[path.parts[-3]](json.dumps(changed).encode())
    except WireError:
        return
    assert read == changed


def test_half_a_character_cannot_be_sent() -> None:
    body = {"source": "a", "text": "\ud800", "count": 1}
    with pytest.raises(WireError):
        encode_worker_message({"v": 1, "id": "w1", "parent": "c1", "type": "notice", "body": body})


@pytest.mark.parametrize(
    "config",
    ["1" * 5000, "[" * 200 + "]" * 200, "[" * 500 + "]" * 500, "[" * 100_000 + "]" * 100_000],
    ids=["endless-integer", "deep", "deeper", "bottomless"],
)
def test_what_python_cannot_read_is_a_wire_error_like_any_other(config: str) -> None:
    path = GOLDEN / "controller" / "valid" / "load-a-random-model-in-8-bit.json"
    message = json.loads(path.read_bytes())
    message["body"]["configuration"]["model"]["config"] = {"x": "HERE"}
    frame = json.dumps(message).replace('"HERE"', config).encode()
    with pytest.raises(WireError):
        decode_controller_message(frame)
    request_id_of(frame)


def test_an_id_that_could_not_be_answered_is_refused() -> None:
    frame = json.dumps({"v": 1, "id": "\ud800", "parent": None, "type": "ping", "body": {}}).encode()
    with pytest.raises(WireError, match="half of a surrogate pair"):
        decode_controller_message(frame)
    assert request_id_of(frame) is None
