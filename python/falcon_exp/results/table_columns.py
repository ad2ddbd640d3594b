"""The columns of every table except the trials, whose columns are those of the flat table."""

from __future__ import annotations

from falcon_exp.results.metrics import metrics

_WHOLE = ("bytes", "parameters", "layers")
#: Ratios to the reference.
EFFECTS = ("memory", "time", "time_per_token")
#: Columns, each with the keys that lead to its value in an entry of summary.json's ``quality``.
QUALITY = {
    "perplexity": ("perplexity", "value"),
    "perplexity_ci95_low": ("perplexity", "ci95_low"),
    "perplexity_ci95_high": ("perplexity", "ci95_high"),
    "ppl_ratio": ("ppl_ratio", "value"),
    "ppl_ratio_ci95_low": ("ppl_ratio", "ci95_low"),
    "ppl_ratio_ci95_high": ("ppl_ratio", "ci95_high"),
    "kl_mean_nats": ("kl_divergence", "mean"),
    "kl_mean_ci95_low_nats": ("kl_divergence", "ci95_low"),
    "kl_mean_ci95_high_nats": ("kl_divergence", "ci95_high"),
    "kl_median_nats": ("kl_divergence", "median"),
    "kl_p90_nats": ("kl_divergence", "p90"),
    "kl_p99_nats": ("kl_divergence", "p99"),
    "kl_max_nats": ("kl_divergence", "max"),
    "top1_agreement": ("top1_agreement", "value"),
    "top1_agreement_ci95_low": ("top1_agreement", "ci95_low"),
    "top1_agreement_ci95_high": ("top1_agreement", "ci95_high"),
}

#: Each table's own columns, with their types.
COLUMNS: dict[str, dict[str, str]] = {
    "configurations": {
        "reference": "string",
        "status": "string",
        "failure_code": "string",
        "failure_message": "string",
        "trials_completed": "int64",
        "trials_disturbed": "int64",
        "dtype": "string",
        "attention": "string",
        **dict.fromkeys(("parameters", "linear_layers", "quantized_linear_layers"), "int64"),
        **{
            one.key: "int64" if one.key.endswith(_WHOLE) else "double"
            for one in metrics()
            if one.of == "load" and one.summary is not None
        },
        **{f"median_{one.key}": "double" for one in metrics() if one.of == "trial" and one.summary is not None},
        "weights_ratio": "double",
        **{
            f"{effect}_{part}": "string" if part == "verdict" else "double"
            for effect in EFFECTS
            for part in ("ratio", "ci99_low", "ci99_high", "verdict")
        },
        "answers_compared": "int64",
        "answers_equal": "int64",
        "first_difference_median": "double",
        "sentence": "string",
        "why": "string",
    },
    "quality": {
        "text": "string",
        "status": "string",
        "failure_code": "string",
        "tokens": "int64",
        "tokens_scored": "int64",
        "context": "int64",
        **dict.fromkeys(QUALITY, "double"),
        "note": "string",
    },
    "tasks": {
        "task": "string",
        "metric": "string",
        "filter": "string",
        "higher_is_better": "boolean",
        "value": "double",
        "stderr": "double",
        "samples": "int64",
        "num_fewshot": "int64",
        "task_version": "string",
    },
    "tokens": {
        "prompt_id": "string",
        "repeat": "int64",
        "round": "int64",
        "token": "int64",
        "token_id": "int64",
        "latency_sec": "double",
        "disturbed": "boolean",
    },
    "text_tokens": {
        "text": "string",
        "token": "int64",
        "nll_nats": "double",
        "kl_nats": "double",
        "top1_equal": "boolean",
    },
}
SHARED = {
    "run_id": "string",
    "experiment": "string",
    "model": "string",
    "configuration": "string",
    "is_reference": "boolean",
    "quantization": "string",
}


def table_types(table: str, axes: dict[str, str]) -> dict[str, str]:
    """Every column of a table, in order; the axes come after the columns that all tables share."""
    own = COLUMNS[table]
    return {**SHARED, **{name: kind for name, kind in axes.items() if name not in own}, **own}
