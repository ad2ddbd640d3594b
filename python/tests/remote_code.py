"""A small model folder that brings its own model class."""

from __future__ import annotations

import json
from pathlib import Path

from transformers import ByT5Tokenizer, LlamaConfig, LlamaForCausalLM, set_seed

_CODE = """
from transformers import LlamaConfig, LlamaForCausalLM


class LabConfig(LlamaConfig):
    model_type = "lab-model"


class LabForCausalLM(LlamaForCausalLM):
    config_class = LabConfig
"""


def make_remote_code_model(folder: Path) -> Path:
    """Writes config, code, safetensors and byte tokenizer; the model has one layer and a head named ``lm_head``."""
    set_seed(7)
    config = LlamaConfig(
        vocab_size=384,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=128,
        bos_token_id=1,
        eos_token_id=1,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    ByT5Tokenizer().save_pretrained(folder)
    (folder / "lab_code.py").write_text(_CODE, "utf-8")
    path = folder / "config.json"
    written = json.loads(path.read_text("utf-8"))
    written["model_type"] = "lab-model"
    written["architectures"] = ["LabForCausalLM"]
    written["auto_map"] = {"AutoConfig": "lab_code.LabConfig", "AutoModelForCausalLM": "lab_code.LabForCausalLM"}
    path.write_text(json.dumps(written), "utf-8")
    return folder
