"""``skip_modules``: which linear layers an entry names by transformers' own rule, and what to say if it names none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.linear_modules import linear_modules
from falcon_exp.worker.skeleton import build_skeleton

_MOST_NEAR = 3


def all_skipped(skip_modules: list[str] | None, model_config: Any, trust_remote_code: bool) -> list[str] | None:
    """Returns the user's modules and the library's own (the output head), which the library drops if any are named.

    None if the user names none.
    """
    if not skip_modules:
        return None
    from transformers.quantizers.base import get_keys_to_not_convert

    skeleton = build_skeleton(model_config, trust_remote_code=trust_remote_code)
    return sorted({*get_keys_to_not_convert(skeleton), *skip_modules})


def matches(entry: str, name: str) -> bool:
    """Whether an entry names a layer: by its start up to a dot, as text or as a pattern, or by its end."""
    from transformers.quantizers.quantizers_utils import should_convert_module

    return not should_convert_module(name, [entry])


def suggest_entries(wanted: Sequence[str], others: Iterable[str]) -> list[str]:
    """Returns the shortest entries that name all of ``wanted`` and none of ``others``."""
    kept = list(others)
    left = list(wanted)
    entries: list[str] = []
    while left:
        parts = left[0].split(".")
        endings = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        entry = next((one for one in endings if not any(matches(one, name) for name in kept)), left[0])
        entries.append(entry)
        left = [name for name in left if not matches(entry, name)]
    return entries


def refuse_unmatched(entries: list[str] | None, skeleton: torch.nn.Module) -> None:
    """Raises WorkerError ``skip-modules-unmatched`` if an entry names no linear layer of the model."""
    names, model_class = list(linear_modules(skeleton)), type(skeleton).__name__
    for entry in entries or []:
        try:
            is_found = any(matches(entry, name) for name in names)
        except re.error as error:
            raise WorkerError(
                "skip-modules-unmatched", f"skip_modules: {entry} is neither a name nor a pattern: {error}."
            ) from error
        if not is_found:
            near = _near_names(entry, names)
            hint = f" Near: {', '.join(near)}." if near else ""
            raise WorkerError(
                "skip-modules-unmatched", f"skip_modules: {entry} names no linear layer of {model_class}.{hint}"
            )


def _near_names(entry: str, names: list[str]) -> list[str]:
    """Suggests entries that name layers: a pattern if the entry occurs inside names, and endings spelled alike."""
    inner = [f".*{entry}"] if any(f".{entry}." in f".{name}" for name in names) else []
    pieces = {".".join(parts[start:]) for name in names if (parts := name.split(".")) for start in range(len(parts))}
    # Short endings first: if every layer has the same one, it stands for all.
    endings = sorted((piece for piece in pieces if not piece[0].isdigit()), key=lambda piece: (piece.count("."), piece))
    return [*inner, *difflib.get_close_matches(entry, endings, n=_MOST_NEAR, cutoff=0.5)][:_MOST_NEAR]
