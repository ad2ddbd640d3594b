"""docs/gpu.md lists the keys of a file of simulated cards exactly as the program reads them."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from falcon_exp.worker.devices.simulated.card_file import VARIABLE, CardFile, CardSpec, read_from_environment

_PAGE = (Path(__file__).parents[3] / "docs" / "gpu.md").read_text("utf-8")


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    found = re.search(r"```json\n(.*?)```", _PAGE, re.DOTALL)
    assert found is not None
    path = tmp_path / "cards.json"
    path.write_text(found[1])
    file = read_from_environment({VARIABLE: str(path)})
    assert file is not None
    assert [card.name for card in file.cards] == ["Simulated A", "Simulated B"]
    assert file.cards[1].lost_at_synchronization == json.loads(found[1])["cards"][1]["lost_at_synchronization"]


def test_every_key_stands_in_the_table_of_the_page() -> None:
    start = _PAGE.index("| key | meaning")
    table = _PAGE[start : _PAGE.index("\n\n", start)]
    named = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    expected = {one.name for one in fields(CardSpec)} | {one.name for one in fields(CardFile)} - {"cards"}
    assert named == expected
