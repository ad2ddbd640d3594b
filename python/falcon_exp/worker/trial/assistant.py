"""A second model that drafts tokens for the first (``assistant_model``). It is loaded before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from falcon_exp.worker.devices.live_map import find_input_device
from falcon_exp.worker.dtypes import dtype_name, torch_dtype
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.census import take_census
from falcon_exp.worker.proof.weights import count_parameters
from falcon_exp.worker.trial.download import Report, hub_shut_off
from falcon_exp.worker.trial.fingerprints import fingerprint_tokenizer, fingerprint_weights
from falcon_exp.worker.trial.generation_settings import leave_out_breaking_settings
from falcon_exp.worker.trial.open_source import open_source
from falcon_exp.worker.wire_types import ConfiguredModel, Generation


@dataclass
class Assistant:
    """The assistant of one load; empty until a configuration asks for one."""

    source: ConfiguredModel | None = None
    model: Any = None
    #: ``assistantProofSchema`` of the wire format.
    proof: dict[str, Any] | None = None

    def load(self, source: ConfiguredModel | None, loaded: Any, report: Report) -> None:
        """Loads it once: unquantized, in the configuration's dtype, on the device of the model's first layers.

        Raises WorkerError ``assistant-mismatch`` if its vocabulary size or tokenizer differs from the model's, and
        whatever ``open_source`` raises.
        """
        if source is None or source == self.source:
            return
        report("loading the assistant", None)
        opened = open_source(source, trust_remote_code=loaded.configuration["trust_remote_code"], report=report)
        with hub_shut_off():
            config = opened.config()
            own, other = (int(one.get_text_config().vocab_size) for one in (config, loaded.model.config))
            if own != other:
                text = f"The assistant's vocabulary has {own:,} tokens, the model's {other:,}."
                raise WorkerError("assistant-mismatch", text)
            if fingerprint_tokenizer(opened.tokenizer()) != fingerprint_tokenizer(loaded.tokenizer):
                raise WorkerError("assistant-mismatch", "The assistant's tokenizer differs from the model's.")
            device = str(find_input_device(loaded.model))
            model = opened.model(config, dtype=torch_dtype(loaded.dtype), device_map={"": device})
        model.eval()
        leave_out_breaking_settings(model)
        self.source, self.model = source, model
        self.proof = {
            "model_class": type(model).__name__,
            "parameters": count_parameters(model),
            "weights_bytes": take_census(model).weights_bytes,
            "dtype": dtype_name(model.dtype),
            "weights_sha256": fingerprint_weights(opened.weight_files()),
        }

    def options(self, generation: Generation) -> dict[str, Any]:
        """Returns the additional arguments for ``generate``; empty if no assistant is asked for."""
        if generation.get("assistant_model") is None:
            return {}
        tokens = generation.get("num_assistant_tokens")
        if tokens is not None:
            # The library reads both from the assistant's settings; by default it would change the number as it goes.
            self.model.generation_config.num_assistant_tokens = tokens
            self.model.generation_config.num_assistant_tokens_schedule = "constant"
        return {"assistant_model": self.model}
