"""Rows of every table except the trials: configurations, scored texts, tasks, and both kinds of tokens."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from falcon_exp.results.metrics import find_value, metrics, read_load_metric
from falcon_exp.results.recorded import Configuration, RunData
from falcon_exp.results.schema import Record
from falcon_exp.results.table_columns import COLUMNS, EFFECTS, QUALITY, SHARED
from falcon_exp.results.trial_rows import Row, model_of, quantization_of

if TYPE_CHECKING:
    from falcon_exp.results.run import Run


def axis_values(configuration: Configuration) -> Row:
    """The values of the experiment's axes: numbers as numbers, everything else as labels show it."""
    plan = configuration.plan
    generation = plan["generation"]
    # In a plan, no depth means a depth of 0.
    written = {**generation, "batch_size": plan.get("batch_size", 1), "depth": generation.get("depth") or 0}
    values = {name: written.get(name) for name in plan["axes"]}
    return {
        name: value if isinstance(value, (int, float)) else plan["axes"][name]
        for name, value in values.items()
        if name not in SHARED
    }


def table_rows(run: Run, table: str) -> Iterator[Row]:
    """The rows of one run."""
    data = run.facts if table in ("quality", "tasks", "text_tokens") else run.data
    if table in ("configurations", "quality"):
        summary = run.drawn_summary
        entries = {entry["id"]: entry for entry in summary["configurations"]} if summary else {}
    else:
        entries = {}
    for configuration in data.configurations:
        shared = {
            "run_id": data.run["run_id"],
            "experiment": data.run["plan"]["experiment"],
            "model": model_of(data, configuration),
            "configuration": configuration.label,
            "is_reference": configuration.is_reference,
            "quantization": quantization_of(configuration),
            **axis_values(configuration),
        }
        for row in _OWN[table](data, configuration, entries.get(configuration.id)):
            yield {**shared, **row}


def _configuration_rows(data: RunData, configuration: Configuration, entry: Record | None) -> Iterator[Row]:
    failure, proof = configuration.failure or {}, configuration.proof or {}
    completed = [trial for trial in configuration.trials if trial["status"] == "completed"]
    quiet = [trial for trial in completed if not trial.get("disturbed_by")]
    row: Row = {
        "reference": _reference(data, configuration).label,
        "status": configuration.status,
        "failure_code": failure.get("code"),
        "failure_message": failure.get("message"),
        "trials_completed": len(completed),
        "trials_disturbed": len(completed) - len(quiet),
        "dtype": proof.get("dtype"),
        "attention": proof.get("attn_implementation"),
    }
    for key in COLUMNS["configurations"]:
        found, value = read_load_metric(key, configuration)
        if found:
            row[key] = value
    for metric in metrics():
        if metric.of == "trial" and metric.summary is not None:
            counted = quiet if metric.timed and quiet else completed
            row[f"median_{metric.key}"] = _median(completed, counted, metric.sources)
    yield {**row, **_comparison(entry)}


def _comparison(entry: Record | None) -> Row:
    if entry is None:
        return {}
    found = {"why": entry.get("why")}
    against = entry["against_reference"]
    if against is None:
        return found
    effects = {name: against.get(name) or {} for name in EFFECTS}
    return {
        **found,
        "weights_ratio": against["weights_ratio"],
        **{
            f"{name}_{part}": effect.get(part)
            for name, effect in effects.items()
            for part in ("ratio", "ci99_low", "ci99_high", "verdict")
        },
        "answers_compared": against["pairs"],
        "answers_equal": against["answers_equal"],
        "first_difference_median": (against["answer_divergence"] or {}).get("first_difference_median"),
        "sentence": against["sentence"],
    }


def _median(completed: list[Record], counted: list[Record], sources: tuple[str, ...]) -> float | None:
    """Median of the first source that any completed trial has; None if there is no value."""
    for source in sources:
        if any(trial["measurement"].get(source) is not None for trial in completed):
            values = [trial["measurement"].get(source) for trial in counted]
            told = [value for value in values if value is not None]
            return statistics.median(told) if told else None
    return None


def _quality_rows(data: RunData, configuration: Configuration, entry: Record | None) -> Iterator[Row]:
    if entry is not None:
        for scored in entry.get("quality", []):
            yield {
                **{name: scored.get(name) for name in COLUMNS["quality"] if name in scored},
                "text": scored["text_id"],
                **{name: find_value(scored, path) for name, path in QUALITY.items()},
            }
        return
    for record in configuration.quality:
        row: Row = {"text": record["text_id"], "status": record["status"]}
        if record["status"] == "failed":
            yield {**row, "failure_code": record["failure"]["code"]}
        else:
            yield {**row, **_score(record["measurement"], _reference_nll(data, configuration, record))}


def _score(measured: Record, reference: list[float] | None) -> Row:
    """A text's scores, without intervals: only a report computes those."""
    own = measured["token_nll"]
    against = measured.get("against_reference") or {}
    kl, top1 = against.get("kl_nats"), against.get("top1_equal")
    return {
        "tokens": measured["tokens"],
        "tokens_scored": len(own),
        "context": measured["context"],
        "perplexity": math.exp(statistics.fmean(own)),
        "ppl_ratio": None
        if reference is None
        else math.exp(statistics.fmean(a - b for a, b in zip(own, reference, strict=True))),
        "kl_mean_nats": statistics.fmean(kl) if kl else None,
        "kl_median_nats": statistics.median(kl) if kl else None,
        "kl_max_nats": max(kl) if kl else None,
        "top1_agreement": statistics.fmean(top1) if top1 else None,
        "note": measured.get("against_reference_note"),
    }


def _reference(data: RunData, configuration: Configuration) -> Configuration:
    reference_id = data.reference_id_of(configuration)
    return next(one for one in data.configurations if one.id == reference_id)


def _reference_nll(data: RunData, configuration: Configuration, record: Record) -> list[float] | None:
    """The reference's negative log-likelihoods, if they are of exactly the same tokens; else None."""
    reference = _reference(data, configuration)
    for scored in () if reference is configuration else reference.quality:
        if scored["text_id"] == record["text_id"] and scored["status"] == "completed":
            its, own = scored["measurement"], record["measurement"]
            if its["token_ids_sha256"] == own["token_ids_sha256"]:
                return list(its["token_nll"])
    return None


def _task_rows(_: RunData, configuration: Configuration, __: Record | None) -> Iterator[Row]:
    for result in configuration.tasks:
        yield {name: result.get(name) for name in COLUMNS["tasks"]}


def _token_rows(_: RunData, configuration: Configuration, __: Record | None) -> Iterator[Row]:
    is_single = configuration.plan.get("batch_size", 1) == 1
    for trial in configuration.trials:
        if trial["status"] != "completed":
            continue
        measured = trial["measurement"]
        latencies = [measured["ttft_sec"], *measured["itl_sec"]]
        ids = measured.get("output_ids") or []
        # In a batch, or if several tokens come at once, a latency does not belong to a single token.
        is_each = is_single and measured["output_tokens"] == len(latencies)
        for index, latency in enumerate(latencies):
            yield {
                **{name: trial.get(name, 0) for name in ("prompt_id", "repeat", "round")},
                "token": index + 1 if is_each else None,
                "token_id": ids[index] if is_each and ids else None,
                "latency_sec": latency,
                "disturbed": bool(trial.get("disturbed_by")),
            }


def _text_token_rows(_: RunData, configuration: Configuration, __: Record | None) -> Iterator[Row]:
    for record in configuration.quality:
        if record["status"] != "completed":
            continue
        measured = record["measurement"]
        against = measured.get("against_reference") or {}
        kl, top1 = against.get("kl_nats"), against.get("top1_equal")
        for index, nll in enumerate(measured["token_nll"]):
            yield {
                "text": record["text_id"],
                "token": index + 1,
                "nll_nats": nll,
                "kl_nats": kl[index] if kl else None,
                "top1_equal": bool(top1[index]) if top1 else None,
            }


_OWN: dict[str, Callable[[RunData, Configuration, Record | None], Iterator[Row]]] = {
    "configurations": _configuration_rows,
    "quality": _quality_rows,
    "tasks": _task_rows,
    "tokens": _token_rows,
    "text_tokens": _text_token_rows,
}
