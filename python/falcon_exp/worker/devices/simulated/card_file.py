"""The simulated cards as a JSON file describes them, and which of them CUDA_VISIBLE_DEVICES lets through."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VARIABLE = "FALCON_EXP_SIMULATED_ACCELERATOR"


@dataclass(frozen=True)
class CardSpec:
    """One card; keys that the file leaves out have the defaults below."""

    name: str
    uuid: str
    memory_total_bytes: int
    pci_bus_id: str | None = None
    compute_capability: str | None = "8.0"
    #: What the energy counter gains from one reading to the next; None for a card without a counter.
    joules_per_reading: float | None = None
    energy_step_sec: float | None = None
    sm_clock_mhz: int | None = 1500
    throttle_reasons: list[str] = field(default_factory=list)
    other_processes: int | None = 0
    other_memory_bytes: int | None = 0
    #: A neighbour appears at this reading of the state, counted from 1; None means never.
    neighbour_from_reading: int | None = None
    #: The card is lost from this synchronization on, counted from 1; None means never.
    lost_at_synchronization: int | None = None


@dataclass(frozen=True)
class CardFile:
    """All cards of the simulated machine that this process may see."""

    cards: list[CardSpec]
    #: Whether only the driver could tell that there are cards (a MIG slice, a machine without NVML).
    are_hidden: bool = False


def read_from_environment(environment: Mapping[str, str] = os.environ) -> CardFile | None:
    """The simulated cards; None if nothing is simulated. Raises OSError, ValueError or TypeError on an invalid file."""
    name = environment.get(VARIABLE)
    if not name:
        return None
    told: dict[str, Any] = json.loads(Path(name).read_text("utf-8"))
    cards = [CardSpec(**card) for card in told["cards"]]
    return CardFile(_choose_visible(cards, environment.get("CUDA_VISIBLE_DEVICES")), bool(told.get("are_hidden")))


def _choose_visible(cards: list[CardSpec], visible: str | None) -> list[CardSpec]:
    """Chooses cards by index or UUID, in the variable's order; as with CUDA, a name that fits no card ends the list."""
    if visible is None:
        return cards
    chosen: list[CardSpec] = []
    for name in (part.strip() for part in visible.split(",")):
        if name.isdigit() and int(name) < len(cards):
            chosen.append(cards[int(name)])
            continue
        named = [card for card in cards if name and card.uuid.startswith(name)]
        if len(named) != 1:
            break
        chosen.append(named[0])
    return chosen
