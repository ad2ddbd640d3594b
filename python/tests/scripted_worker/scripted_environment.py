"""In the place of what asks torch and the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[3] / "test" / "golden" / "worker" / "valid"


def read_golden(name: str) -> dict[str, Any]:
    """The body of one of the wire format's examples, without its type."""
    body: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))["body"]
    del body["request"]
    return body


def capture_environment(_devices: object) -> dict[str, Any]:
    """A valid one."""
    environment: dict[str, Any] = read_golden("ok-start")["environment"]
    return environment
