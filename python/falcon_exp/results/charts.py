"""The charts of a run, and how a notebook shows a chart without a network."""

from __future__ import annotations

import base64
import difflib
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falcon_exp.results.problems import ResultsError

if TYPE_CHECKING:
    from altair import TopLevelMixin

_ENDING = ".vl.json"
#: JupyterLab (4.6), Notebook 7 and VS Code draw this type themselves, from the specification.
_VEGALITE_MIME = "application/vnd.vegalite.v5+json"
_VEGALITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
#: Pictures have two pixels per point, like the report's PNG files.
_SCALE = 2


class Charts(Mapping[str, "TopLevelMixin"]):
    """The charts by name. Each lookup makes a new Altair chart, which you may change as you like."""

    def __init__(self, folder: Path, report_step: str) -> None:
        self._folder = folder
        self._report_step = report_step

    def __iter__(self) -> Iterator[str]:
        yield from sorted(path.name.removesuffix(_ENDING) for path in self._folder.glob(f"*{_ENDING}"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __repr__(self) -> str:
        return f"Charts({', '.join(self)})"

    def __getitem__(self, name: str) -> TopLevelMixin:
        picture = self._folder / f"{name}.png"
        return _altair_chart(self.spec(name), picture if picture.is_file() else None)

    def spec(self, name: str) -> dict[str, Any]:
        """The Vega-Lite specification, with its data. For an unknown name, raises a KeyError that lists the names."""
        names = list(self)
        if name not in names:
            raise KeyError(self._unknown(name, names))
        value = json.loads((self._folder / f"{name}{_ENDING}").read_text("utf-8"))
        assert isinstance(value, dict)
        return value

    def _unknown(self, name: str, names: list[str]) -> str:
        if not names:
            return f"no chart {name!r}: no charts have been drawn yet. {self._report_step}"
        near = difflib.get_close_matches(name, names, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        return f"no chart {name!r}; there are: {', '.join(names)}.{meant}"


def show_offline() -> None:
    """From now on, charts that you make yourself need no network either, and keep a picture in the notebook's file.

    Altair by itself loads its drawing code from the internet each time. The charts of a run do not need this call.
    """
    altair = _altair()
    altair.renderers.register("falcon-exp", lambda spec, **_: mime_bundle(spec, picture_of(spec)))
    altair.renderers.enable("falcon-exp")


def mime_bundle(spec: Mapping[str, Any], picture: bytes | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A chart in several forms, of which each Jupyter front end shows the richest it knows, and the picture's size."""
    data: dict[str, Any] = {
        "text/plain": "<a Vega-Lite chart>",
        _VEGALITE_MIME: {**spec, "$schema": _VEGALITE_SCHEMA},
    }
    if picture is None:
        return data, {}
    # A PNG file has its size, in pixels, at a fixed place.
    width, height = struct.unpack(">II", picture[16:24])
    data["image/png"] = base64.b64encode(picture).decode("ascii")
    return data, {"image/png": {"width": width // _SCALE, "height": height // _SCALE}}


def picture_of(spec: Mapping[str, Any]) -> bytes | None:
    """A PNG of the chart; None if vl-convert-python is not installed."""
    try:
        import vl_convert
    except ImportError:
        return None
    return bytes(vl_convert.vegalite_to_png(dict(spec), scale=_SCALE))


def _altair_chart(spec: dict[str, Any], picture: Path | None) -> TopLevelMixin:
    _altair()
    from falcon_exp.results.shown_chart import shown_chart

    return shown_chart(spec, picture)


def _altair() -> Any:
    try:
        import altair
    except ImportError as error:
        raise ResultsError(
            "notebook-library-missing",
            "Charts need Altair, which is not installed here.",
            "Install it: pip install altair vl-convert-python.",
        ) from error
    return altair
