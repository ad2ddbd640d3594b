"""Reads results in notebooks. Needs no torch, and imports a library only when it is needed.

>>> from falcon_exp.results import load, runs
>>> trials = load("results")                      # one row per trial, the columns of docs/results.md
>>> run = runs("results")[-1]                     # the newest run
>>> run.charts["overview"]                        # an Altair chart, shown without a network
>>> run.summary["configurations"][0]["weights_bytes"]

docs/notebooks.md describes it; docs/results.md says what each column and key means.
"""

from __future__ import annotations

from falcon_exp.results.answers import Answer
from falcon_exp.results.charts import Charts, show_offline
from falcon_exp.results.compatibility import Difference, environment_differences, incomparable
from falcon_exp.results.problems import IncompatibleRunsWarning, ResultsError, ResultsWarning
from falcon_exp.results.run import Run, runs
from falcon_exp.results.table import load

__all__ = [
    "Answer",
    "Charts",
    "Difference",
    "IncompatibleRunsWarning",
    "ResultsError",
    "ResultsWarning",
    "Run",
    "environment_differences",
    "incomparable",
    "load",
    "runs",
    "show_offline",
]
