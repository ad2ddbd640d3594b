"""Writes a 4-bit checkpoint of a model's folder, as compressed-tensors stores it (pack-quantized, W4A16).

    python write_w4a16.py MODEL_FOLDER TARGET_FOLDER

Each row of a layer's weights is cut into groups of 64; a group shares one constant, the largest of its magnitudes
divided by 7, and each weight is rounded to the nearest of 16 steps. Nothing is calibrated: what GPTQ or AWQ would make
of the same bits is better. Embeddings, norms and the output head stay as they are.

Needs the environment that falcon-exp runs in, with its quantizers: `falcon-exp setup --quantizers`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from safetensors.torch import load_file, save_file

BITS = 4
GROUP_WEIGHTS = 64
LARGEST = 7
#: Of Llama's kind of model, SmolLM2 among them.
LAYERS = tuple(f"{name}_proj.weight" for name in ("q", "k", "v", "o", "gate", "up", "down"))

QUANTIZATION_CONFIG: dict[str, Any] = {
    "quant_method": "compressed-tensors",
    "format": "pack-quantized",
    "quantization_status": "compressed",
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": {
                "num_bits": BITS,
                "type": "int",
                "symmetric": True,
                "strategy": "group",
                "group_size": GROUP_WEIGHTS,
            },
        }
    },
    "ignore": ["lm_head"],
}


def pack(name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """The tensors that stand for one layer's weight."""
    rows, columns = weight.shape
    groups = weight.float().view(rows, columns // GROUP_WEIGHTS, GROUP_WEIGHTS)
    scale = (groups.abs().amax(dim=-1, keepdim=True) / LARGEST).clamp(min=1e-8).to(weight.dtype)
    values = (groups / scale.float()).round().clamp(-LARGEST - 1, LARGEST).to(torch.int8)
    layer = name.removesuffix("weight")
    return {
        f"{layer}weight_packed": pack_to_int32(values.view(rows, columns), BITS),
        f"{layer}weight_scale": scale.squeeze(-1).contiguous(),
        f"{layer}weight_shape": torch.tensor([rows, columns]),
    }


def main(source: Path, target: Path) -> None:
    """Copies what is beside the weights: tokenizer, generation_config.json."""
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.is_file() and file.suffix != ".safetensors" and not file.name.endswith(".index.json"):
            shutil.copy(file, target / file.name)
    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(source.glob("*.safetensors")):
        for name, tensor in load_file(file).items():
            tensors.update(pack(name, tensor) if name.endswith(LAYERS) else {name: tensor})
    save_file(tensors, target / "model.safetensors", {"format": "pt"})
    config = json.loads((source / "config.json").read_text("utf-8"))
    config["quantization_config"] = QUANTIZATION_CONFIG
    (target / "config.json").write_text(f"{json.dumps(config, indent=2)}\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
