"""What an environment must contain; pyproject.toml has the same ranges (a test compares them)."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Requirement:
    """A distribution whose version must be at least ``minimum`` and less than ``below``, if that is given."""

    package: str
    minimum: str
    below: str | None = None

    @property
    def specifier(self) -> str:
        """The range as written in pyproject.toml, without the name."""
        return f">={self.minimum}" + ("" if self.below is None else f",<{self.below}")

    def accepts(self, found: str) -> bool:
        """Whether a version is in the range; False for a text that is not a version."""
        version = _release(found)
        if version is None or version < (_release(self.minimum) or ()):
            return False
        return self.below is None or version < (_release(self.below) or ())


REQUIREMENTS = (
    Requirement("torch", "2.8"),
    Requirement("transformers", "5", "6"),
    Requirement("bitsandbytes", "0.48"),
    Requirement("accelerate", "1.10"),
    Requirement("pyzmq", "27"),
    Requirement("psutil", "7"),
    Requirement("gguf", "0.17"),
    Requirement("nvidia-ml-py", "13"),
    Requirement("jsonschema", "4.23"),
)

#: Libraries of quantization methods, by the extra that installs each; checked if a method needs one.
EXTRAS = {
    "torchao": Requirement("torchao", "0.18", "0.19"),
    "quanto": Requirement("optimum-quanto", "0.2.7", "0.3"),
    "compressed-tensors": Requirement("compressed-tensors", "0.15", "0.21"),
}


def _release(version: str) -> tuple[int, ...] | None:
    """``2.13.0+cpu`` → (2, 13, 0)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return None if match is None else tuple(int(part) for part in match.group().split("."))


def installed() -> dict[str, str | None]:
    """Version of each required distribution, None if it is missing. Imports none of them."""
    return {requirement.package: find_version(requirement.package) for requirement in REQUIREMENTS}


def problems(found: dict[str, str | None]) -> list[dict[str, Any]]:
    """What is missing or out of range: ``{package, found, wanted}``."""
    return [
        {"package": requirement.package, "found": version, "wanted": requirement.specifier}
        for requirement in REQUIREMENTS
        if (version := found[requirement.package]) is None or not requirement.accepts(version)
    ]


def find_version(name: str) -> str | None:
    """Version of an installed distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
