"""What an environment must hold; the same ranges stand in pyproject.toml (a test compares them)."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Requirement:
    """A distribution, from ``minimum`` on and below ``below``."""

    package: str
    minimum: str
    below: str | None = None

    @property
    def specifier(self) -> str:
        """As in pyproject.toml, without the name."""
        return f">={self.minimum}" + ("" if self.below is None else f",<{self.below}")

    def accepts(self, found: str) -> bool:
        """Whether a version lies in the range; what is not a version does not."""
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

#: Libraries of quantization methods, by the extra that brings each; checked where a method needs one.
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
    """Version of each required distribution, None where it is missing. Imports none of them."""
    return {requirement.package: find_version(requirement.package) for requirement in REQUIREMENTS}


def problems(found: dict[str, str | None]) -> list[dict[str, Any]]:
    """What is missing or out of range: ``{package, found, wanted}``."""
    return [
        {"package": requirement.package, "found": version, "wanted": requirement.specifier}
        for requirement in REQUIREMENTS
        if (version := found[requirement.package]) is None or not requirement.accepts(version)
    ]


def find_version(name: str) -> str | None:
    """Of an installed distribution; None where there is none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
