"""One measured ``generate`` (docs/metrics.md, a trial)."""

from __future__ import annotations

import gc
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from transformers import LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from falcon_exp.worker.devices.noise import NoiseMeter
from falcon_exp.worker.devices.rss import PeakRss, trim_heap
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.generate_facts import SeenCache
from falcon_exp.worker.trial.batch import Batch, cut_answers, find_row_limits, prepare_batch
from falcon_exp.worker.trial.cache_kinds import apply_cache, verify_cache
from falcon_exp.worker.trial.compilation import Compilations, apply_compile, count_compilations, verify_compiled
from falcon_exp.worker.trial.depth import FilledCache, fill_depth, given_cache_alone, put_behind
from falcon_exp.worker.trial.drafts import NO_DRAFTS, Drafts, collect_drafts, expect_drafts
from falcon_exp.worker.trial.finite_logits import NewestLogits, may_be_chosen_from_nothing, require_finite_logits
from falcon_exp.worker.trial.generation_settings import effective_settings, end_ids, generation_config
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.trial.prompts import fit_prompts
from falcon_exp.worker.trial.stop_strings import StopStrings
from falcon_exp.worker.trial.token_pieces import token_pieces
from falcon_exp.worker.wire_types import GenerateBody, Generation


class TokenClock(StoppingCriteria):  # type: ignore[misc]
    """Records when each new token is known on the host, once per step of a batch. Ends rows at limits and stop texts.

    It is a stopping criterion and not a streamer: on MPS the library passes each token to a streamer only after the
    next forward pass, and might do so on other devices one day. A criterion is called as soon as a token is chosen, on
    every device, and reading the token waits until it is there. On devices other than MPS ``generate`` waits for it
    anyway.
    """

    def __init__(
        self,
        input_tokens: int,
        on_token: Callable[[int], None],
        row_limits: Sequence[int] | None = None,
        stops: StopStrings | None = None,
    ) -> None:
        self.times_sec: list[float] = []
        self._input_tokens = input_tokens
        self._on_token = on_token
        self._row_limits = row_limits
        self._stop_strings = stops
        self._stops: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_options: Any) -> torch.Tensor:
        """Called by ``generate`` with all tokens so far, rows x tokens; returns True for each row that is to end."""
        input_ids[0, -1].item()
        now = time.perf_counter()
        tokens = input_ids.shape[1] - self._input_tokens
        new = tokens - len(self.times_sec)
        self.times_sec += [now] * new
        self._on_token(tokens)
        if self._stops is None or self._row_limits is not None or self._stop_strings is not None:
            limits = self._row_limits or [sys.maxsize] * input_ids.shape[0]
            stopped = self._find_stopped(input_ids, tokens, new)
            ends = [limit <= tokens or has_stopped for limit, has_stopped in zip(limits, stopped, strict=True)]
            self._stops = torch.tensor(ends, device=input_ids.device)
        return self._stops

    def _find_stopped(self, input_ids: torch.Tensor, tokens: int, new: int) -> list[bool]:
        """Returns for each row whether one of its ``new`` tokens completes a text that ends it."""
        stops = self._stop_strings
        if stops is None:
            return [False] * input_ids.shape[0]
        return [stops.are_in(row) for row in input_ids[:, -min(tokens, stops.tokens + new) :].tolist()]


def _trim_once(on_token: Callable[[int], None]) -> Callable[[int], None]:
    """Gives back malloc's free memory at the first token: repacking weights in the first forward pass frees a lot."""
    is_trimmed = False

    def trim(tokens: int) -> None:
        nonlocal is_trimmed
        if not is_trimmed:
            is_trimmed = True
            trim_heap()
        on_token(tokens)

    return trim


def measure(loaded: Loaded, request: GenerateBody, on_token: Callable[[int], None]) -> dict[str, Any]:
    """Measures one ``generate``; returns ``trialMeasurementSchema`` of the wire format.

    Raises WorkerError ``logits-not-finite``, and whatever ``fit_prompt`` raises.
    """
    from transformers import set_seed

    generation = request["generation"]
    model, devices = loaded.model, loaded.devices
    seed = generation["seed"] + request["repeat"]
    # Before the clock starts: finding out how much of a prompt fits is no part of what is measured.
    prompts = fit_prompts(loaded, request)
    limits = find_row_limits(prompts, generation)
    filled = fill_depth(loaded, prompts, generation)
    settings = prepare_settings(loaded, generation, filled, limits)
    stops = find_stops(loaded, generation)
    drafting = loaded.assistant.options(generation)
    drafts = expect_drafts(settings, drafting)
    is_first = loaded.facts.compiled is None
    # Logits are kept in a warm-up, which nobody compares: a forward pass for them takes as long as several tokens.
    kept = NewestLogits() if request["phase"] == "warmup" and _are_logits_told(model, settings, drafts) else None
    set_seed(seed)
    # Except in the first generate, malloc keeps its free memory: if it were given back before each one, the measured
    # time would include getting thousands of pages anew.
    gc.collect()
    states_before = devices.read_states()
    devices.reset_peaks()
    noise = NoiseMeter()
    peak = PeakRss()
    meter = devices.start_energy()
    devices.synchronize()
    started = time.perf_counter()
    batch = prepare_batch(loaded, prompts, generation)
    tokens_before = count_tokens_before(batch, filled)
    clock = TokenClock(tokens_before, _trim_once(on_token) if is_first else on_token, limits, stops)
    generate_started = time.perf_counter()
    with (
        torch.inference_mode(),
        loaded.facts.watch(model) as seen,
        count_compilations(model, generation.get("compile")) as compilations,
    ):
        output = generate(model, settings, {**batch.inputs, **drafting}, clock, filled, kept=kept, drafts=drafts)
    devices.synchronize()
    ended = time.perf_counter()
    energy = meter.stop()
    peak_rss = peak.stop()
    noise_told = noise.stop()
    device = devices.read_peak()
    used, used_note = devices.read_memory_used()
    states_after = devices.read_states()
    cache_bytes = _verify_run(loaded, generation, seen)
    output = output[:, tokens_before - batch.padded_tokens :]
    answers = cut_answers(output, batch, end_ids(settings), limits)
    _require_finite_answers(model, output, batch, answers, kept, is_first=is_first)
    rows = [_describe_answer(loaded.tokenizer, answer, settings, stops) for answer in answers]
    row_tokens = [len(row["output_ids"]) for row in rows]
    output_tokens = sum(row_tokens)
    # If the library notices one step late that an answer has ended, it makes one more token and takes it back.
    times_sec = clock.times_sec[: max(row_tokens)]
    return {
        "input_tokens": sum(batch.row_tokens),
        "output_tokens": output_tokens,
        "truncated_tokens": sum(prompt.truncated_tokens for prompt in prompts),
        "elapsed_sec": ended - started,
        **_latencies(times_sec, generate_started, ended, sum(batch.row_tokens)),
        **(NO_DRAFTS if drafts is None else drafts.measurement(tokens_before, rows[0]["output_ids"])),
        **_describe_compilations(loaded, compilations),
        "cache_bytes": cache_bytes,
        "depth_fill_sec": None if filled is None else filled.fill_sec,
        "batch_tokens_per_sec": _batch_rate(times_sec, ended, output_tokens - len(rows)),
        "peak_memory_allocated_bytes": device.allocated_bytes,
        "peak_memory_allocated_bytes_by_device": device.allocated_bytes_by_device,
        "peak_memory_reserved_bytes": device.reserved_bytes,
        "device_memory_used_bytes": used,
        "device_memory_used_note": used_note,
        "peak_rss_bytes": peak_rss,
        "peak_rss_source": peak.source,
        "energy_joules": energy.joules,
        "energy_per_token_joules": None
        if energy.joules is None or output_tokens == 0
        else energy.joules / output_tokens,
        "energy_source": energy.source,
        "energy_step_sec": energy.step_sec,
        "energy_note": energy.note,
        **noise_told,
        "devices": devices.name_devices(),
        "gpu_state_before": states_before,
        "gpu_state_after": states_after,
        "seed": seed,
        "chat_template_applied": batch.templated,
        "template_date": prompts[0].template_date,
        "template_loses_prompt": any(prompt.is_lost for prompt in prompts),
        "input_ids_sha256": _hash_ids(batch.inputs["input_ids"].flatten()),
        "generation_settings": effective_settings(model, settings),
        **rows[0],
        "output_pieces": token_pieces(partial(_decode, loaded.tokenizer), rows[0]["output_ids"]),
        "rows": None
        if len(rows) == 1
        else [
            {
                "input_tokens": tokens,
                "truncated_tokens": prompt.truncated_tokens,
                "output_tokens": len(row["output_ids"]),
                **row,
            }
            for tokens, prompt, row in zip(batch.row_tokens, prompts, rows, strict=True)
        ],
    }


def _decode(tokenizer: Any, ids: Any) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def prepare_settings(
    loaded: Loaded,
    generation: Generation,
    filled: FilledCache | None,
    limits: Sequence[int] | None,
) -> Any:
    """Returns ``generation_config`` with the cache, the compilation and the limits of rows that were asked for."""
    settings = generation_config(loaded.model, loaded.tokenizer, generation)
    if filled is None:
        apply_cache(settings, generation.get("cache"), loaded.cache_room)
        if generation.get("assistant_model") is not None and settings.cache_implementation == "dynamic":
            # The library gives a copy of these settings to the assistant together with a cache of its own, and refuses
            # both at once. A growing cache is what it makes unasked.
            settings.cache_implementation = None
    elif settings.max_length is not None:
        settings.max_length += filled.ids.shape[1]
    if limits is not None:
        settings.max_length, settings.max_new_tokens = None, max(limits)
    apply_compile(settings, generation, loaded.model.device.type)
    return settings


def _verify_run(loaded: Loaded, generation: Generation, seen: SeenCache) -> int | None:
    """Returns the cache's bytes and lets it go. Raises WorkerError ``cache-mismatch`` or ``compile-unavailable``."""
    facts = loaded.facts
    cache_bytes = facts.add_cache(seen)
    seen.cache = None
    verify_cache(generation.get("cache"), facts.cache_implementation, facts.cache_layers)
    verify_compiled(loaded.model, generation.get("compile"))
    return cache_bytes


def _describe_compilations(loaded: Loaded, compilations: Compilations | None) -> dict[str, Any]:
    if compilations is None:
        return {"compilations": None, "compile_sec": None}
    loaded.facts.add_compilations(compilations.count, compilations.sec)
    return {"compilations": compilations.count, "compile_sec": compilations.sec}


def _are_logits_told(model: Any, settings: Any, drafts: Drafts | None) -> bool:
    """Whether a logits processor sees each token's logits as the model gave them, with one row per row of the batch."""
    is_mended = any(getattr(one, "remove_invalid_values", False) for one in (settings, model.generation_config))
    return settings.num_beams == 1 and drafts is None and not is_mended


def find_stops(loaded: Loaded, generation: Generation) -> StopStrings | None:
    """Returns what finds the texts that end an answer; None if there are none."""
    stop = generation.get("stop")
    return StopStrings(loaded.tokenizer, stop) if stop else None


def count_tokens_before(batch: Batch, filled: FilledCache | None) -> int:
    """Returns how many tokens of each row come before its answer: a filled cache, padding and the prompt."""
    return batch.padded_tokens + (0 if filled is None else int(filled.ids.shape[1]))


def generate(
    model: Any,
    settings: Any,
    inputs: dict[str, Any],
    clock: TokenClock,
    filled: FilledCache | None,
    *,
    kept: NewestLogits | None = None,
    drafts: Drafts | None = None,
) -> Any:
    """Generates behind ``filled`` until ``clock`` or the settings end it; returns all tokens, rows x tokens.

    ``drafts`` is needed if anything is drafted.

    Raises WorkerError ``generation-invalid`` if the model supports neither drafts nor beams.
    """
    options: dict[str, Any] = {"generation_config": settings, "stopping_criteria": StoppingCriteriaList([clock])}
    if kept is not None:
        options["logits_processor"] = LogitsProcessorList([kept])
    try:
        with given_cache_alone(model, filled), collect_drafts(model, drafts):
            return model.generate(**put_behind(filled, inputs), **options)
    except (ValueError, NotImplementedError) as error:
        # Models that keep a state instead of a cache (Mamba) do not support drafts, and some do not support beams.
        key = (
            "num_beams"
            if settings.num_beams > 1
            else "assistant_model"
            if "assistant_model" in inputs
            else "prompt_lookup_num_tokens"
        )
        if key == "prompt_lookup_num_tokens" and settings.prompt_lookup_num_tokens is None:
            raise
        raise WorkerError("generation-invalid", f"The model does not run with {key}: {error}") from error


def _require_finite_answers(
    model: Any,
    output: torch.Tensor,
    batch: Batch,
    answers: list[torch.Tensor],
    kept: NewestLogits | None,
    *,
    is_first: bool,
) -> None:
    """Raises WorkerError ``logits-not-finite``; looks at a load's first answer, and at answers that suggest it."""
    for index, answer in enumerate(answers):
        if (is_first and index == 0) or may_be_chosen_from_nothing(answer):
            newest = None if kept is None or kept.newest is None else kept.newest[index]
            require_finite_logits(model, batch.read_row(output, index, len(answer)), newest)


def _describe_answer(
    tokenizer: Any, generated: torch.Tensor, settings: Any, stops: StopStrings | None
) -> dict[str, Any]:
    end = None if stops is None else stops.find_end(generated.tolist())
    ids = generated[:end]
    ended_itself = len(ids) > 0 and int(ids[-1]) in end_ids(settings)
    return {
        "finish_reason": "eos" if ended_itself else "length" if end is None else "stop",
        "output_text": _decode(tokenizer, ids),
        "output_ids": ids.tolist(),
        "output_ids_sha256": _hash_ids(ids),
    }


def _hash_ids(ids: torch.Tensor) -> str:
    return hashlib.sha256(ids.to(device="cpu", dtype=torch.int64).numpy().astype("<i8").tobytes()).hexdigest()


def _latencies(times_sec: list[float], started: float, ended: float, input_tokens: int) -> dict[str, Any]:
    """Returns TTFT, inter-token times, TPOT and rates; null if there is no such token."""
    if not times_sec:
        return {
            "ttft_sec": None,
            "itl_sec": [],
            "tpot_sec": None,
            "prefill_tokens_per_sec": None,
            "decode_tokens_per_sec": None,
        }
    ttft = times_sec[0] - started
    tpot = (ended - times_sec[0]) / (len(times_sec) - 1) if len(times_sec) > 1 else None
    return {
        "ttft_sec": ttft,
        "itl_sec": [later - earlier for earlier, later in pairwise(times_sec)],
        "tpot_sec": tpot,
        "prefill_tokens_per_sec": input_tokens / ttft if ttft > 0 else None,
        "decode_tokens_per_sec": 1 / tpot if tpot else None,
    }


def _batch_rate(times_sec: list[float], ended: float, tokens: int) -> float | None:
    """Returns the decoding rate of the whole batch; ``tokens`` counts all rows, without the first token of each."""
    decoding_sec = ended - times_sec[0] if len(times_sec) > 1 else 0.0
    return tokens / decoding_sec if decoding_sec > 0 else None
