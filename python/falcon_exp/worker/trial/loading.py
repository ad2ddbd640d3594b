"""Loads one configuration and measures the load: the article's way of loading, done right for transformers 5."""

from __future__ import annotations

import copy
import gc
import hashlib
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from falcon_exp.worker.devices.devices import Devices, Target
from falcon_exp.worker.devices.model_devices import ModelDevices
from falcon_exp.worker.devices.rss import PeakRss, current_rss_bytes, release_unused
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.proof import read_proof
from falcon_exp.worker.proof.verify_proof import verify
from falcon_exp.worker.quantization.bitsandbytes import bitsandbytes_config, dtype_name, torch_dtype
from falcon_exp.worker.trial.preflight import check_attention, check_dtype
from falcon_exp.worker.trial.sources import ModelPlace, locate, remote_revision
from falcon_exp.worker.workarounds.falcon_linear import apply_workarounds

#: Seeds nothing that is measured (each trial seeds itself); set so that a load can be repeated.
LOAD_SEED = 0


@dataclass(frozen=True)
class Loaded:
    """A model that was proved to be what was asked for."""

    model: Any
    tokenizer: Any
    workarounds: list[str]
    #: Those of the live device map and no others.
    devices: ModelDevices
    #: ``loadMeasurementSchema`` of the wire format.
    measurement: dict[str, Any]

    def proof(self) -> dict[str, Any]:
        """The proof, read now."""
        return read_proof(
            self.model, has_chat_template=self.tokenizer.chat_template is not None, workarounds=self.workarounds
        )


def load(configuration: dict[str, Any], home: Path, devices: Devices) -> Loaded:
    """Raises WorkerError where something cannot run here, or where the live model is not what was asked for."""
    from transformers import AutoConfig, set_seed

    baseline = current_rss_bytes()
    target = devices.resolve(configuration["device"])
    check_attention(configuration["attention"], target.kind)
    if configuration["dtype"] != "auto":
        check_dtype(configuration["dtype"], target.torch_device, configuration["device"])
    place = locate(configuration["model"], home)
    release_unused()
    set_seed(LOAD_SEED)
    devices.expect(target).reset_peaks()
    peak = PeakRss()
    started = time.perf_counter()
    trust = configuration["trust_remote_code"]
    config = AutoConfig.from_pretrained(place.name_or_path, revision=place.revision, trust_remote_code=trust)
    dtype = _effective_dtype(configuration["dtype"], config)
    quantized = configuration["quantization"]["method"] != "none"
    workarounds = apply_workarounds(config, quantized=quantized) if configuration["workarounds"] == "auto" else []
    tokenizer, model = _from_pretrained(configuration, place, config, dtype, target)
    used = devices.bind(model, target)
    used.synchronize()
    load_sec = time.perf_counter() - started
    peak_rss = peak.stop()
    proof = read_proof(model, has_chat_template=tokenizer.chat_template is not None, workarounds=workarounds)
    verify(proof, configuration, dtype=dtype_name(dtype))
    measurement = {
        "load_sec": load_sec,
        "load_peak_allocated_bytes": used.read_peak().allocated_bytes,
        "devices": [card.to_wire() for card in used.cards],
        "load_peak_rss_bytes": peak_rss,
        "baseline_rss_bytes": baseline,
        "peak_rss_source": peak.source,
        "seed": LOAD_SEED,
        "torch_threads": torch.get_num_threads(),
        "model_config_sha256": _config_sha256(model.config),
        "model_revision": remote_revision(place),
        "model_shape": _shape(model.config, trust),
        "proof": proof,
    }
    # The model stays until the process ends: collections before trials need not look at it.
    gc.collect()
    gc.freeze()
    # Once, and not before each trial: what a generate then asks for again would be in its time.
    used.release_cached()
    return Loaded(model=model, tokenizer=tokenizer, workarounds=workarounds, devices=used, measurement=measurement)


def _from_pretrained(
    configuration: dict[str, Any], place: ModelPlace, config: Any, dtype: torch.dtype, target: Target
) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    trust = configuration["trust_remote_code"]
    tokenizer = AutoTokenizer.from_pretrained(place.name_or_path, revision=place.revision, trust_remote_code=trust)
    options: dict[str, Any] = {}
    if configuration["attention"] != "auto":
        options["attn_implementation"] = configuration["attention"]
    model, info = AutoModelForCausalLM.from_pretrained(
        place.name_or_path,
        config=config,
        revision=place.revision,
        trust_remote_code=trust,
        use_safetensors=True,
        dtype=dtype,
        device_map=target.device_map,
        quantization_config=bitsandbytes_config(configuration["quantization"], dtype, config, trust_remote_code=trust),
        output_loading_info=True,
        **options,
    )
    _refuse_invented(sorted(info["missing_keys"]))
    model.eval()
    return tokenizer, model


def _refuse_invented(missing: list[str]) -> None:
    """The library draws weights that the files lack at random, and goes on with no more than a warning."""
    if missing:
        named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise WorkerError("model-corrupt", f"The files lack {len(missing)} tensors that the config asks for: {named}.")


def _effective_dtype(asked: str, config: Any) -> torch.dtype:
    """``auto`` is the dtype stored with the model; float32 where none is."""
    if asked != "auto":
        return torch_dtype(asked)
    stored = getattr(config, "dtype", None)
    if isinstance(stored, str):
        return torch_dtype(stored)
    return stored if isinstance(stored, torch.dtype) else torch.float32


def _shape(config: Any, trust_remote_code: bool) -> dict[str, Any] | None:
    """For the estimate beside the measurement; None where the config alone makes no model."""
    from falcon_exp.worker.model_shape import shape_of

    plain = copy.deepcopy(config)
    if hasattr(plain, "quantization_config"):
        del plain.quantization_config
    try:
        return shape_of(plain, trust_remote_code=trust_remote_code)
    except Exception:
        logging.getLogger(__name__).warning("the model's shape could not be told", exc_info=True)
        return None


def _config_sha256(config: Any) -> str:
    text = json.dumps(config.to_dict(), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
