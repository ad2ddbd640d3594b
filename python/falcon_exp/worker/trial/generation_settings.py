"""How an answer is generated: the experiment's settings override those in the model's own files."""

from __future__ import annotations

import copy
import json
from typing import Any

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.wire_types import Generation

#: Settings in a model's files that would break the measurement, and what replaces them: one answer, with one token per
#: forward pass, ended by tokens and not by the clock, and returned as a tensor of ids.
_NEUTRAL: dict[str, Any] = {
    "num_return_sequences": 1,
    "num_beams": 1,
    "num_beam_groups": 1,
    "max_time": None,
    "prompt_lookup_num_tokens": None,
    "assistant_early_exit": None,
    "return_dict_in_generate": False,
    "output_attentions": False,
    "output_hidden_states": False,
    "output_scores": False,
    "output_logits": False,
    "constraints": None,
    "force_words_ids": None,
    "penalty_alpha": None,
    "dola_layers": None,
    "token_healing": None,
    "low_memory": None,
    "stop_strings": None,
}

#: Settings that greedy search does not read.
_SAMPLING_ONLY = frozenset(
    ("temperature", "top_k", "top_p", "top_h", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
)


#: Settings that narrow sampling, besides temperature, top_k and top_p.
_FURTHER_SAMPLING = ("min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")


def leave_out_breaking_settings(model: Any) -> dict[str, Any]:
    """Removes what would break the measurement from the model's own settings; returns the old values by name.

    It changes the model and not each request, because ``generate`` takes what a request does not set from the model.
    """
    settings = model.generation_config
    left_out = {}
    for name, neutral in _NEUTRAL.items():
        value = getattr(settings, name, None)
        if value is None or value == neutral:
            continue
        left_out[name] = _as_json(value)
        setattr(settings, name, neutral)
    return left_out


def generation_config(model: Any, tokenizer: Any, generation: Generation) -> Any:
    """Returns the model's own settings, overridden by the experiment's and without those that greedy search ignores."""
    settings = copy.deepcopy(model.generation_config)
    settings.max_new_tokens = generation["max_new_tokens"]
    settings.max_length = generation["max_length"]
    settings.min_new_tokens = generation["min_new_tokens"]
    settings.num_beams = generation.get("num_beams") or 1
    settings.prompt_lookup_num_tokens = generation.get("prompt_lookup_num_tokens")
    end_ids_asked = generation.get("eos_token_id")
    if end_ids_asked is not None:
        settings.eos_token_id = _check_end_ids(model, end_ids_asked)
    sample = generation["sampling"] == "sample"
    settings.do_sample = sample
    settings.temperature = (generation["temperature"] or 1.0) if sample else None
    settings.top_k = (50 if generation["top_k"] is None else generation["top_k"]) if sample else None
    settings.top_p = (generation["top_p"] or 1.0) if sample else None
    for key in _FURTHER_SAMPLING:
        value = generation.get(key)
        if sample and value is not None:
            setattr(settings, key, value)
    if generation["repetition_penalty"] is not None:
        settings.repetition_penalty = generation["repetition_penalty"]
    if settings.pad_token_id is None:
        ends = end_ids(settings)
        settings.pad_token_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else next(iter(ends), None)
    return settings


def effective_settings(model: Any, settings: Any) -> dict[str, Any]:
    """Returns the settings in effect: what the request leaves open comes from the model; defaults are left out."""
    own = {name: value for name, value in settings.to_dict().items() if value is not None}
    brought = {name: value for name, value in model.generation_config.to_dict().items() if value is not None}
    if own.get("max_new_tokens") is not None:
        # max_new_tokens takes precedence over max_length.
        brought.pop("max_length", None)
    defaults = model.generation_config._get_default_generation_params()
    unread = set() if own.get("do_sample") else _SAMPLING_ONLY
    return {
        name: _as_json(value)
        for name, value in sorted({**brought, **own}.items())
        if not name.startswith("_")
        and name not in unread
        and name != "transformers_version"
        and value != defaults.get(name)
        and not (value is False and name not in defaults)
    }


def _check_end_ids(model: Any, ids: list[int]) -> list[int]:
    known = model.config.get_text_config().vocab_size
    beyond = [one for one in ids if one >= known]
    if beyond:
        raise WorkerError("generation-invalid", f"eos_token_id {beyond[0]} is not a token: the model has {known:,}.")
    return ids


def end_ids(settings: Any) -> list[int]:
    """Tokens that end an answer."""
    ends = settings.eos_token_id
    if ends is None:
        return []
    return list(ends) if isinstance(ends, list | tuple) else [int(ends)]


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
