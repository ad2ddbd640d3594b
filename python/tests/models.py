"""Small models as folders, for tests that load from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from falcon_exp.worker.model_config import config_from_mapping


def write_model(folder: Path, config: dict[str, Any], *, dtype: Any = None, **options: Any) -> Path:
    """Writes a model drawn from a seed (config, safetensors, byte tokenizer); ``options`` go to ``save_pretrained``."""
    from transformers import AutoModelForCausalLM, ByT5Tokenizer, set_seed

    set_seed(7)
    AutoModelForCausalLM.from_config(config_from_mapping(config), dtype=dtype).save_pretrained(folder, **options)
    ByT5Tokenizer().save_pretrained(folder)
    return folder


def write_adapter(folder: Path, base: Path, *, rank: int, **settings: Any) -> Path:
    """Writes a LoRA for the model in ``base``, drawn from a seed; ``settings`` go to peft's LoraConfig."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, set_seed

    set_seed(11)
    settings = {"lora_alpha": 4 * rank, "task_type": "CAUSAL_LM", **settings}
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=rank, **settings))
    for name, parameter in model.named_parameters():
        # As peft initializes it, an adapter changes nothing.
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    return folder
