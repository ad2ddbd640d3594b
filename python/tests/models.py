"""Small models as folders, for tests of what is loaded from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from falcon_exp.worker.model_config import config_from_mapping


def write_model(folder: Path, config: dict[str, Any], *, dtype: Any = None, **options: Any) -> Path:
    """Config, safetensors and byte tokenizer of a model drawn from a seed; ``options`` go to ``save_pretrained``."""
    from transformers import AutoModelForCausalLM, ByT5Tokenizer, set_seed

    set_seed(7)
    AutoModelForCausalLM.from_config(config_from_mapping(config), dtype=dtype).save_pretrained(folder, **options)
    ByT5Tokenizer().save_pretrained(folder)
    return folder
