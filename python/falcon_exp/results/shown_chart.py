"""Altair charts that show themselves without a network. Imports Altair, so import this only to make a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair
from altair.utils import update_nested

from falcon_exp.results.charts import mime_bundle, picture_of

#: Keys that a chart may have only if it is not part of another; kept apart, so that `chart | other` is possible.
_ALONE = ("background", "config", "autosize", "padding")


class _Shown:
    """Replaces Altair's own display, which loads its drawing code from the internet."""

    _picture: Path | None = None
    _alone: dict[str, Any] = {}  # noqa: RUF012 - never changed: each chart's class has its own

    def to_dict(self, *args: Any, context: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
        """The specification, with the keys in ``_ALONE`` that the report gave it unless it is part of another chart."""
        assert isinstance(self, altair.TopLevelMixin)
        chart: Any = self
        if (context or {}).get("top_level", True):
            chart = self.copy(deep=False)
            for key, value in self._alone.items():
                own = chart._get(key)
                if own is altair.Undefined:
                    chart[key] = value
                elif key == "config":
                    chart[key] = update_nested(value, own if isinstance(own, dict) else own.to_dict(), copy=True)
        parent: Any = super(_Shown, chart)
        found: dict[str, Any] = parent.to_dict(*args, context=context, **kwargs)
        return found

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        spec = self.to_dict()
        # The report's own picture as long as the chart is as the report drew it: a copy does not have it.
        return mime_bundle(spec, picture_of(spec) if self._picture is None else self._picture.read_bytes())


#: Chart classes by the key that only their specification has; a facet or repeat contains one of the others.
_KINDS: dict[str, type[Any]] = {
    "facet": altair.FacetChart,
    "repeat": altair.RepeatChart,
    "layer": altair.LayerChart,
    "concat": altair.ConcatChart,
    "hconcat": altair.HConcatChart,
    "vconcat": altair.VConcatChart,
    "mark": altair.Chart,
}


def shown_chart(spec: dict[str, Any], picture: Path | None) -> altair.TopLevelMixin:
    """Makes an Altair chart of a specification; ``picture`` is its PNG, if there is one."""
    kind = next(kind for key, kind in _KINDS.items() if key in spec)
    alone = {key: spec[key] for key in _ALONE if key in spec}
    # Each chart gets its own class, because Altair makes copies from the class alone.
    own: Any = type(kind.__name__, (_Shown, kind), {"_alone": alone})
    part = {key: value for key, value in spec.items() if key not in _ALONE and key != "$schema"}
    chart: altair.TopLevelMixin = own.from_dict(part)
    # Altair would treat an attribute set in the normal way as part of the specification.
    object.__setattr__(chart, "_picture", picture)
    return chart
