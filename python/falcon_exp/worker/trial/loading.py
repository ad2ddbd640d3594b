"""Loads one configuration and measures the load: the article's way of loading, done right for transformers 5."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from falcon_exp.worker.adapter.attach import import_library
from falcon_exp.worker.devices.devices import Devices, Target
from falcon_exp.worker.devices.model_devices import ModelDevices
from falcon_exp.worker.devices.rss import PeakRss, current_rss_bytes, release_unused
from falcon_exp.worker.dtypes import dtype_name, torch_dtype
from falcon_exp.worker.proof.generate_facts import GenerateFacts
from falcon_exp.worker.proof.proof import Proof, read_proof
from falcon_exp.worker.proof.verify_proof import RUNNING, verify
from falcon_exp.worker.quantization.registry import find_method, library_config
from falcon_exp.worker.quantization.stored import (
    name_stored,
    read_quantization_config,
    refuse_other_model,
    refuse_stored_quantization,
    refuse_unreadable,
)
from falcon_exp.worker.trial.assistant import Assistant
from falcon_exp.worker.trial.cache_kinds import CacheRoom
from falcon_exp.worker.trial.chat_template import freeze_date, unknown_end_token
from falcon_exp.worker.trial.download import Report, hub_shut_off, report_to_nobody
from falcon_exp.worker.trial.fingerprints import (
    fingerprint_generation,
    fingerprint_template,
    fingerprint_tokenizer,
    fingerprint_weights,
)
from falcon_exp.worker.trial.generation_settings import leave_out_breaking_settings
from falcon_exp.worker.trial.open_source import open_source
from falcon_exp.worker.trial.preflight import check_attention, check_dtype
from falcon_exp.worker.trial.sources import ModelSource
from falcon_exp.worker.wire_types import Configuration
from falcon_exp.worker.workarounds.cures import Cures, find_cures

#: Affects nothing that is measured (each trial sets its own seed); set so that a load can be repeated.
LOAD_SEED = 0


@dataclass(frozen=True)
class Loaded:
    """A loaded model that was proved to be what was asked for."""

    model: Any
    tokenizer: Any
    workarounds: list[str]
    #: The devices of the live device map, and no others.
    devices: ModelDevices
    #: ``loadMeasurementSchema`` of the wire format.
    measurement: dict[str, Any]
    #: Empty until something has been generated.
    facts: GenerateFacts
    configuration: Configuration
    #: The effective dtype, with ``auto`` resolved.
    dtype: str
    cache_room: CacheRoom = field(default_factory=CacheRoom)
    assistant: Assistant = field(default_factory=Assistant)

    def proof(self) -> Proof:
        """The proof, read now."""
        return read_proof(
            self.model,
            has_chat_template=self.tokenizer.chat_template is not None,
            workarounds=self.workarounds,
            facts=self.facts,
            assistant=self.assistant.proof,
        )

    def verify_running(self) -> None:
        """Verifies the proof again once the model has run: the first forward pass may repack or unpack weights."""
        verify(self.proof(), self.configuration, dtype=self.dtype, when=RUNNING)


def load(
    configuration: Configuration,
    devices: Devices,
    report: Report = report_to_nobody,
    remembered: dict[str, Any] | None = None,
) -> Loaded:
    """Loads a configuration. Raises WorkerError if it cannot run here or the live model is not what was asked for.

    ``report`` is told the progress of a download. The clock starts when all files are here and the hub is shut off.
    ``remembered`` is passed on to ``shape_of``.
    """
    from transformers import set_seed

    asked: Mapping[str, Any] = configuration["quantization"]
    find_method(asked).import_library()
    import_library(configuration["model"])
    freeze_date()
    baseline = current_rss_bytes()
    target = devices.resolve(configuration["device"])
    check_attention(configuration["attention"], target.kind)
    if configuration["dtype"] != "auto":
        check_dtype(configuration["dtype"], target.torch_device, configuration["device"])
    find_method(asked).refuse_unable(asked, target.kind)
    trust = configuration["trust_remote_code"]
    checkpoint = asked.get("checkpoint")
    source = open_source(checkpoint or configuration["model"], trust_remote_code=trust, report=report)
    page_cache_share = source.page_cache_share()
    with hub_shut_off():
        # Before the clock: this is no part of a load, and what cannot run is refused before anything is loaded.
        config = source.config()
        stored = read_quantization_config(config)
        refuse_stored_quantization(config, asked, source.narrow_dtypes())
        refuse_unreadable(config, target.device_map)
        if checkpoint is not None:
            refuse_other_model(config, configuration["model"])
        cures = find_cures(configuration, config, target.kind)
    release_unused()
    set_seed(LOAD_SEED)
    devices.expect(target).reset_peaks()
    peak = PeakRss()
    with hub_shut_off():
        started = time.perf_counter()
        config = source.config()
        dtype = _effective_dtype(configuration["dtype"], config, source)
        tokenizer = source.tokenizer()
        model = _model(source, configuration, config, dtype, target, cures)
        used = devices.bind(model, target)
        used.synchronize()
        load_sec = time.perf_counter() - started
        peak_rss = peak.stop()
    brought_settings = fingerprint_generation(model.generation_config)
    left_out = leave_out_breaking_settings(model)
    facts = GenerateFacts()
    workarounds = cures.names()
    proof = read_proof(
        model, has_chat_template=tokenizer.chat_template is not None, workarounds=workarounds, facts=facts
    )
    verify(proof, configuration, dtype=dtype_name(dtype))
    measurement = {
        # Drawing weights is not loading: how long it takes says nothing about the model.
        "load_sec": None if source.weights_source == "random" else load_sec,
        "load_peak_allocated_bytes": used.read_peak().allocated_bytes,
        "devices": [card.to_wire() for card in used.cards],
        "load_peak_rss_bytes": peak_rss,
        "baseline_rss_bytes": baseline,
        "peak_rss_source": peak.source,
        "seed": LOAD_SEED,
        "torch_threads": torch.get_num_threads(),
        "model_config_sha256": _config_sha256(model.config),
        "model_revision": source.commit,
        "adapter_revision": source.adapter_commit,
        "download_sec": source.download_sec,
        "page_cache_share": page_cache_share,
        "weights_source": source.weights_source,
        "prepared_from": list(source.prepared),
        "model_shape": _shape(
            model.config,
            trust_remote_code=trust,
            left_out=proof.body["skipped_linear_modules"],
            adapter_elements=source.adapter_elements(),
            remembered=remembered,
        ),
        "fingerprints": {
            "weights": fingerprint_weights(source.weight_files()),
            "tokenizer": fingerprint_tokenizer(tokenizer),
            "chat_template": fingerprint_template(tokenizer),
            "generation_settings": brought_settings,
        },
        "generation_settings_left_out": left_out,
        "unknown_end_token": unknown_end_token(tokenizer, model.generation_config),
        "tokenizer_difference": source.tokenizer_difference(tokenizer),
        "stored_quantization": None if stored is None else name_stored(stored),
        "kept_by_workarounds": cures.unquantized,
        "proof": proof.body,
    }
    # Once, and not before each trial; ``measure`` says why.
    release_unused()
    # The model stays until the process ends, so garbage collections before trials need not look at it.
    gc.freeze()
    # Once, and not before each trial: a generate's time would include allocating again what it needs.
    used.release_cached()
    return Loaded(model, tokenizer, workarounds, used, measurement, facts, configuration, dtype_name(dtype))


def _model(
    source: ModelSource,
    configuration: Configuration,
    config: Any,
    dtype: torch.dtype,
    target: Target,
    cures: Cures,
) -> Any:
    options: dict[str, Any] = {}
    if configuration["attention"] != "auto":
        options["attn_implementation"] = configuration["attention"]
    with cures.applied():
        model = source.model(
            config,
            dtype=dtype,
            device_map=target.device_map,
            quantization_config=library_config(
                cures.extend(configuration["quantization"]),
                dtype,
                config,
                trust_remote_code=configuration["trust_remote_code"],
            ),
            **options,
        )
    cures.finish(model)
    model.eval()
    return model


def _effective_dtype(asked: str, config: Any, source: ModelSource) -> torch.dtype:
    """Resolves ``auto``: the dtype that the config names, or else that of the weight files."""
    if asked != "auto":
        return torch_dtype(asked)
    named = getattr(config, "dtype", None)
    if named is None:
        return torch_dtype(source.stored_dtype() or "float32")
    dtype: torch.dtype = torch_dtype(named) if isinstance(named, str) else named
    stored = source.stored_dtype()
    if stored not in (None, dtype_name(dtype)):
        logging.getLogger(__name__).warning(
            "the weight files are in %s, but the config says %s, so they are loaded in the latter",
            stored,
            dtype_name(dtype),
        )
    return dtype


def _shape(config: Any, **options: Any) -> dict[str, Any] | None:
    """Returns the shape for the estimate beside the measurement; None if no model can be made from the config alone."""
    from falcon_exp.worker.model_shape import shape_of

    try:
        return shape_of(config, **options)
    except Exception:
        logging.getLogger(__name__).warning("the model's shape could not be determined", exc_info=True)
        return None


def _config_sha256(config: Any) -> str:
    """Hashes what the config says about the model, without the place of its files on this machine."""
    said = {key: value for key, value in config.to_dict().items() if key != "_name_or_path"}
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
