"""Runs tasks of lm-evaluation-harness on the very model object that was measured."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.quantization.registry import find_method
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.wire_types import LmEvalBody, LmEvalMeasurement, LmEvalResult

#: The most that a batch of questions may take for logits and log-probabilities; a single question may take more.
BATCH_BYTES = 1_000_000_000
MOST_ROWS = 64
#: Keys of a task's results that are not metrics.
_NO_METRIC = ("alias", "name", "sample_len", "sample_count", "samples")


def run_tasks(loaded: Loaded, request: LmEvalBody, on_request: Callable[[int], None]) -> LmEvalMeasurement:
    """Returns ``lmEvalMeasurementSchema`` of the wire format; ``on_request`` is told the number of model calls so far.

    Raises WorkerError ``lm-eval-missing`` or ``lm-eval-task-unknown``.
    """
    started = time.perf_counter()
    simple_evaluate, _, hf_model = _library()
    manager = open_tasks(request["tasks"], request["include_path"])

    class Reporting(hf_model):  # type: ignore[misc, valid-type]
        """Reports progress whenever the model is called, and asks for batches that fit into memory."""

        calls = 0

        def _detect_batch_size(self, requests: Any = None, pos: int = 0) -> int:
            """Replaces the library's search by running out of memory; the longest of the questions left comes first."""
            if not requests:
                return _rows_at_once(loaded, int(self.max_length))
            _, context, continuation = requests[pos]
            return _rows_at_once(loaded, min(len(context) + len(continuation), int(self.max_length)))

        def _model_call(self, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            on_request(self.calls)
            return super()._model_call(*args, **kwargs)

        def _model_generate(self, *args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            on_request(self.calls)
            return super()._model_generate(*args, **kwargs)

    seed = request["seed"]
    found = simple_evaluate(
        model=Reporting(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size="auto"),
        tasks=request["tasks"],
        num_fewshot=request["num_fewshot"],
        limit=request["limit"],
        task_manager=manager,
        log_samples=True,
        bootstrap_iters=1000,
        random_seed=seed,
        numpy_random_seed=seed,
        torch_random_seed=seed,
        fewshot_random_seed=seed,
    )
    return {
        "library_version": version("lm_eval"),
        "results": [row for task in sorted(found["results"]) for row in _rows(task, found)],
        "sample_hashes": {task: _sample_hashes(samples) for task, samples in found.get("samples", {}).items()},
        "elapsed_sec": time.perf_counter() - started,
    }


def open_tasks(tasks: list[str], include_path: str | None) -> Any:
    """Returns the library's task manager. Raises WorkerError ``lm-eval-missing`` or ``lm-eval-task-unknown``."""
    _, task_manager, _ = _library()
    if include_path is not None:
        # Otherwise the library first reads some 14,000 files of its own. A group may need them, a single task does not.
        own = task_manager(include_path=include_path, include_defaults=False)
        if set(tasks) <= set(own.all_subtasks):
            return own
    manager = task_manager(include_path=include_path)
    unknown = [name for name in tasks if not manager.match_tasks([name])]
    if unknown:
        where = "" if include_path is None else f" or {include_path}"
        raise WorkerError("lm-eval-task-unknown", f"No task of lm_eval{where} is called {', '.join(unknown)}.")
    return manager


def _rows_at_once(loaded: Loaded, tokens: int) -> int:
    """Returns how many questions of ``tokens`` tokens fit into one forward pass (``BATCH_BYTES``), 1 to ``MOST_ROWS``.

    The library keeps the logits of all tokens and, beside them, their log-probabilities in float32. It is 1 if one
    question may change what is computed for another.
    """
    asked: Mapping[str, Any] = loaded.configuration["quantization"]
    if find_method(asked).looks_across_rows(asked):
        return 1
    vocabulary = int(loaded.model.config.get_text_config().vocab_size)
    return max(1, min(MOST_ROWS, BATCH_BYTES // (2 * 4 * vocabulary * max(1, tokens))))


def _library() -> tuple[Any, Any, Any]:
    # The library's dependencies look for the hub when they are imported; local tasks do not need it.
    os.environ.setdefault("HF_DATASETS_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0"))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise WorkerError("lm-eval-missing", f"lm_eval cannot be imported: {error}.") from error
    return simple_evaluate, TaskManager, HFLM


def _rows(task: str, found: dict[str, Any]) -> list[LmEvalResult]:
    """Returns one row per metric and filter: ``acc,none`` with its ``acc_stderr,none``."""
    results = found["results"][task]
    samples = found.get("samples", {}).get(task, [])
    better = found.get("higher_is_better", {}).get(task, {})
    rows: list[LmEvalResult] = []
    for key, value in results.items():
        metric, _, name = key.partition(",")
        if metric.endswith("_stderr") or metric in _NO_METRIC or not isinstance(value, int | float):
            continue
        stderr = results.get(f"{metric}_stderr,{name}")
        shots = found.get("n-shot", {}).get(task)
        rows.append(
            {
                "task": task,
                "task_version": _text(found.get("versions", {}).get(task)),
                "metric": metric,
                "filter": name or "none",
                "higher_is_better": better.get(metric),
                "value": float(value),
                "stderr": float(stderr) if isinstance(stderr, int | float) else None,
                "samples": _count(task, found, samples),
                "num_fewshot": shots if isinstance(shots, int) else None,
                "samples_sha256": _samples_sha256(samples),
            }
        )
    return rows


def _count(task: str, found: dict[str, Any], samples: list[dict[str, Any]]) -> int:
    counted = found.get("n-samples", {}).get(task, {}).get("effective")
    return counted if isinstance(counted, int) else len({sample["doc_id"] for sample in samples})


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _sample_hashes(samples: list[dict[str, Any]]) -> list[str]:
    """Returns 16 hex digits per document in order, from the library's hashes of question, prompt and target."""
    hashes: dict[int, str] = {}
    for sample in samples:
        text = "\n".join(str(sample.get(key)) for key in ("doc_hash", "prompt_hash", "target_hash"))
        hashes[sample["doc_id"]] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return [hashes[document] for document in sorted(hashes)]


def _samples_sha256(samples: list[dict[str, Any]]) -> str | None:
    """Hashes the hashes of all samples; None if there are none."""
    hashes = _sample_hashes(samples)
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest() if hashes else None
