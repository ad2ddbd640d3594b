"""Makes the rows of the flat table from a run's records if no report has drawn it, as src/run/table does in TypeScript.

``metrics.json`` says which columns there are, and of which type; this file says where the value of each is found.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from falcon_exp.results.answers import describe_prompt
from falcon_exp.results.metrics import columns, read_load_metric
from falcon_exp.results.recorded import Configuration, RunData
from falcon_exp.results.schema import Record

TABLE_SCHEMA_VERSION = 1
Row = dict[str, Any]

_TRIAL = frozenset({"trial_id", "trial_index", "prompt_id", "prompt_index", "repeat"})


@dataclass(frozen=True)
class _Source:
    """What a row is made from."""

    data: RunData
    configuration: Configuration
    #: None in the one row of a configuration without any trials.
    trial: Record | None

    @property
    def worker(self) -> Record:
        worker: Record = self.configuration.plan["worker"]
        return worker

    @property
    def environment(self) -> Record:
        return self.data.environment or {}

    @property
    def proof(self) -> Record:
        return self.configuration.proof or {}

    @property
    def effective(self) -> Record:
        return self.proof.get("quantization_effective") or {}

    @property
    def measurement(self) -> Record:
        return (self.trial or {}).get("measurement") or {}

    @property
    def failure(self) -> Record:
        if self.trial is None:
            return self.configuration.failure or {}
        return self.trial.get("failure") or {}


def trial_rows(data: RunData) -> list[Row]:
    """One row per trial, and one for each configuration without trials."""
    return [
        {name: _read(name, _Source(data, configuration, trial)) for name, _ in columns()}
        for configuration in data.configurations
        for trial in configuration.trials or (None,)
    ]


def model_of(data: RunData, configuration: Configuration) -> str:
    """The name that distinguishes the model from the run's other models."""
    return str(configuration.plan["axes"].get("model", data.run["plan"]["model_name"]))


def quantization_of(configuration: Configuration) -> str:
    """The quantization as labels show it; without its settings if the experiment has only one."""
    asked = configuration.plan["worker"]["quantization"]
    return str(configuration.plan["axes"].get("quantization") or asked.get("type") or asked["method"])


def _read(name: str, source: _Source) -> Any:
    if name in _READERS:
        return _READERS[name](source)
    if name in _TRIAL:
        return (source.trial or {}).get(name)
    generation = source.configuration.plan["generation"]
    if name in generation:
        return _as_cell(generation[name])
    found, value = read_load_metric(name, source.configuration)
    return value if found else source.measurement.get(name)


def _as_cell(value: Any) -> Any:
    """Turns a dictionary or a list into JSON; other values stay as they are."""
    if not isinstance(value, (dict, list)):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _name_model_source(model: Record) -> str | None:
    kind = model["source"]
    if kind == "hub":
        revision = model.get("revision")
        return str(model["repo"]) if revision is None else f"{model['repo']}@{revision}"
    if kind == "adapted":
        return _name_model_source(model["base"])
    return {"builtin": model.get("name"), "path": model.get("path")}.get(kind)


def _prompt(source: _Source) -> str | None:
    index = (source.trial or {}).get("prompt_index")
    told = {one["prompt_index"]: one["prompt"] for one in source.data.run["prompts"]}
    return describe_prompt(told[index]) if index in told else None


def _gpus(source: _Source) -> str | None:
    gpus = source.environment.get("gpus")
    return None if gpus is None else ", ".join(gpu["name"] for gpu in gpus)


def _package(name: str) -> Callable[[_Source], Any]:
    return lambda source: source.environment.get("packages", {}).get(name)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def _finished(source: _Source) -> datetime | None:
    ended = source.trial or source.configuration.outcome
    return None if ended is None else _instant(ended["at"])


def _median_step(source: _Source) -> float | None:
    steps = source.measurement.get("itl_sec")
    return statistics.median(steps) if steps else None


#: Readers of the columns whose value is not stored under the column's own name.
_READERS: dict[str, Callable[[_Source], Any]] = {
    "schema_version": lambda _: TABLE_SCHEMA_VERSION,
    "run_id": lambda source: source.data.run["run_id"],
    "started_at": lambda source: _instant(source.data.run["at"]),
    "experiment": lambda source: source.data.run["plan"]["experiment"],
    "model": lambda source: model_of(source.data, source.configuration),
    "model_source": lambda source: _name_model_source(source.worker["model"]),
    "falcon_exp_version": lambda source: source.data.run["falcon_exp_version"],
    "hostname": lambda source: (
        (source.configuration.load or {}).get("hostname") or source.data.run["controller"]["hostname"]
    ),
    "git_commit": lambda source: source.data.run["controller"]["git_commit"],
    "cpu_model": lambda source: source.environment.get("cpu_model"),
    "gpus": _gpus,
    "gpu_driver_version": lambda source: source.environment.get("gpu_driver_version"),
    "torch_version": _package("torch"),
    "transformers_version": _package("transformers"),
    "bitsandbytes_version": _package("bitsandbytes"),
    "configuration_id": lambda source: source.configuration.id,
    "configuration": lambda source: source.configuration.label,
    "is_reference": lambda source: source.configuration.is_reference,
    "configuration_status": lambda source: source.configuration.status,
    "quantization_requested": lambda source: source.worker["quantization"]["method"],
    "quantization": lambda source: quantization_of(source.configuration),
    "quantization_effective": lambda source: source.effective.get("method"),
    "quantization_type": lambda source: source.effective.get("type"),
    "double_quant": lambda source: source.effective.get("double_quant"),
    "compute_dtype": lambda source: source.effective.get("compute_dtype"),
    "dtype": lambda source: source.proof.get("dtype"),
    "device_requested": lambda source: source.worker["device"],
    "attention": lambda source: source.proof.get("attn_implementation"),
    "offloaded": lambda source: source.proof.get("offloaded"),
    "dtype_requested": lambda source: source.worker["dtype"],
    "attention_requested": lambda source: source.worker["attention"],
    "truncate_prompts": lambda source: source.configuration.plan["generation"].get("truncate_prompts", "no"),
    "batch_size": lambda source: source.configuration.plan.get("batch_size", 1),
    "identity_sha256": lambda source: (source.configuration.load or {}).get("identity_sha256"),
    "prompt": _prompt,
    "round": lambda source: None if source.trial is None else source.trial.get("round", 0),
    "attempt": lambda source: None if source.trial is None else source.trial.get("attempt", 1),
    "reused_from_run_id": lambda source: ((source.trial or {}).get("reused_from") or {}).get("run_id"),
    "status": lambda source: (source.trial or {}).get("status", source.configuration.status),
    "finished_at": _finished,
    "failure_code": lambda source: source.failure.get("code"),
    "failure_message": lambda source: source.failure.get("message"),
    "disturbed_by": lambda source: "; ".join((source.trial or {}).get("disturbed_by", [])) or None,
    "itl_median_sec": _median_step,
    "seed": lambda source: source.measurement.get("seed"),
}
