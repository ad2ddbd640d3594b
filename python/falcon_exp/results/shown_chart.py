"""Altair charts that show themselves without a network. Imports Altair: loaded when a chart is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair

from falcon_exp.results.charts import mime_bundle, picture_of


class _Shown:
    """Takes the place of Altair's own display, which loads its drawing code from the internet."""

    _picture: Path | None = None

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        assert isinstance(self, altair.TopLevelMixin)
        spec = self.to_dict()
        # The report's own picture, as long as the chart is as the report drew it: a copy has none.
        return mime_bundle(spec, picture_of(spec) if self._picture is None else self._picture.read_bytes())


class _Chart(_Shown, altair.Chart):
    pass


class _LayerChart(_Shown, altair.LayerChart):
    pass


class _ConcatChart(_Shown, altair.ConcatChart):
    pass


class _HConcatChart(_Shown, altair.HConcatChart):
    pass


class _VConcatChart(_Shown, altair.VConcatChart):
    pass


class _FacetChart(_Shown, altair.FacetChart):
    pass


class _RepeatChart(_Shown, altair.RepeatChart):
    pass


#: By the key that only such a specification has; facet and repeat hold one of the others.
_KINDS: dict[str, type[Any]] = {
    "facet": _FacetChart,
    "repeat": _RepeatChart,
    "layer": _LayerChart,
    "concat": _ConcatChart,
    "hconcat": _HConcatChart,
    "vconcat": _VConcatChart,
    "mark": _Chart,
}


def shown_chart(spec: dict[str, Any], picture: Path | None) -> altair.TopLevelMixin:
    """An Altair chart of a specification; ``picture`` is its PNG, where there is one."""
    kind = next(kind for key, kind in _KINDS.items() if key in spec)
    chart: altair.TopLevelMixin = kind.from_dict(spec)
    # Altair would take an attribute that is set plainly for a part of the specification.
    object.__setattr__(chart, "_picture", picture)
    return chart
