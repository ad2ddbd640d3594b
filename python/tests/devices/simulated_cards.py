"""Two simulated cards, as a file for FALCON_EXP_SIMULATED_ACCELERATOR."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

UUID_A = "GPU-aaaaaaaa-0000-0000-0000-000000000001"
UUID_B = "GPU-bbbbbbbb-0000-0000-0000-000000000002"


def write_cards(folder: Path, *, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None, **rest: Any) -> Path:
    """Writes a busy card A and an idle card B, 1 GB each, whose counters differ; ``a`` and ``b`` change their keys."""
    common = {"memory_total_bytes": 10**9, "energy_step_sec": 0.0}
    cards = [
        {
            "name": "Simulated A",
            "uuid": UUID_A,
            "joules_per_reading": 4900,
            "other_processes": 3,
            **common,
            **(a or {}),
        },
        {"name": "Simulated B", "uuid": UUID_B, "joules_per_reading": 300, **common, **(b or {})},
    ]
    path = folder / "cards.json"
    path.write_text(json.dumps({"cards": cards, **rest}))
    return path
