"""The wire format: JSON frames, checked against the generated schema when sent and when received."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

PROTOCOL_VERSION = 1

#: The same as in src/protocol/codec.ts.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

Message = dict[str, Any]


class WireError(Exception):
    """A message that breaks the contract."""


@cache
def _read_schema(name: str) -> dict[str, Any]:
    text = resources.files("falcon_exp").joinpath("schema").joinpath(f"{name}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _validator(name: str, kind: str | None) -> Draft202012Validator:
    """Checks messages of one type: trying all types in turn takes four times as long, within the measured time."""
    schema = _read_schema(name)
    own = [one for one in schema["oneOf"] if one["properties"]["type"]["const"] == kind]
    return Draft202012Validator({"$defs": schema["$defs"], **own[0]} if own else schema)


def _check(name: str, message: object) -> None:
    kind = message.get("type") if isinstance(message, dict) else None
    try:
        problem = best_match(_validator(name, kind if isinstance(kind, str) else None).iter_errors(message))
    except RecursionError as error:
        raise WireError("the message is nested too deeply") from error
    if problem is not None:
        where = "/".join(str(part) for part in problem.absolute_path) or "the message"
        raise WireError(f"{where}: {problem.message[:500]}")


def _refuse_constant(name: str) -> None:
    raise WireError(f"{name} is not a JSON value")


def _parse(frame: bytes) -> object:
    if len(frame) > MAX_MESSAGE_BYTES:
        raise WireError(f"message of {len(frame)} bytes is over the limit of {MAX_MESSAGE_BYTES}")
    try:
        value: object = json.loads(frame.decode("utf-8"), parse_constant=_refuse_constant)
        # Refuses infinity too, which a number becomes that is too large for a float.
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        # ValueError means bad UTF-8, bad JSON, or an integer with more digits than Python reads.
        raise WireError(f"message is not JSON in UTF-8: {error}") from error
    if not _is_sendable(text):
        raise WireError("a text contains half of a surrogate pair")
    return value


def decode_controller_message(frame: bytes) -> Message:
    """Decodes and checks a message of the controller. Raises WireError on anything else."""
    value = _parse(frame)
    _check("controller-messages", value)
    assert isinstance(value, dict)
    return value


def decode_worker_message(frame: bytes) -> Message:
    """Decodes and checks a message of the worker; for tests of the contract. Raises WireError on anything else."""
    value = _parse(frame)
    _check("worker-messages", value)
    assert isinstance(value, dict)
    return value


def encode_worker_message(message: Message, *, is_known: bool = False) -> bytes:
    """Encodes a message as a frame. Raises WireError if it breaks the schema, or holds NaN or half a surrogate pair.

    ``is_known`` says that the schema need not be asked, because an equal message has been checked.
    """
    try:
        frame = json.dumps(message, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, TypeError) as error:
        raise WireError(f"message is not JSON: {error}") from error
    if not is_known:
        _check("worker-messages", message)
    if len(frame) > MAX_MESSAGE_BYTES:
        raise WireError(f"message of {len(frame)} bytes is over the limit of {MAX_MESSAGE_BYTES}")
    return frame


def request_id_of(frame: bytes) -> str | None:
    """The id of a message that broke the schema, so that its sender can be answered; None if it has none."""
    try:
        value = json.loads(frame.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return None
    identifier = value.get("id") if isinstance(value, dict) else None
    usable = isinstance(identifier, str) and 0 < len(identifier) <= 100 and _is_sendable(identifier)
    return identifier if usable else None


def _is_sendable(text: str) -> bool:
    """Whether a text can be UTF-8: JSON escapes can spell half a surrogate pair, which could not be sent back."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
