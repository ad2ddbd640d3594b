"""Models of any size that are drawn from their config equal those that are loaded from files, in bounded memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.proof.generate_facts import GenerateFacts
from falcon_exp.worker.proof.proof import read_proof
from falcon_exp.worker.quantization.registry import library_config
from falcon_exp.worker.trial import geometry
from falcon_exp.worker.trial.geometry import DrawnTensor
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.sources import ModelFolder, RandomModel
from falcon_exp.worker.workarounds.cures import find_cures
from scripts.families import list_families
from tests.conftest import QUANTIZATIONS, TINY_FALCON, configuration, trial
from tests.driver import WorkerDriver
from tests.models import write_model

_SMALL = {"vocab_size": 512, "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
_LLAMA = {"model_type": "llama", **_SMALL, "intermediate_size": 256, "num_key_value_heads": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": _LLAMA,
    "llama with a tied head": {**_LLAMA, "tie_word_embeddings": True},
    "falcon": TINY_FALCON,
    "gpt-neox": {"model_type": "gpt_neox", **_SMALL, "intermediate_size": 512},
    "gpt-2, whose layers are Conv1D": {
        "model_type": "gpt2",
        "vocab_size": 512,
        "n_embd": 128,
        "n_layer": 2,
        "n_head": 4,
    },
    "a mixture of experts": {**_LLAMA, "model_type": "mixtral", "num_local_experts": 4},
    "gemma-2, with a soft cap of 30": {**_LLAMA, "model_type": "gemma2", "head_dim": 32, "final_logit_softcapping": 30},
    "apertus, with what the library leaves unset": {**_LLAMA, "model_type": "apertus"},
    "deepseek-v3, whose router keeps a buffer in float32": list_families()["deepseek_v3"],
    "mamba, with what is neither matrix nor norm": {"model_type": "mamba", **_SMALL, "state_size": 8},
}


def of(config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A random model's source."""
    return {"source": "random", "config": config, "seed": 7, "tokenizer": "bytes", **changes}


@contextmanager
def unset_memory_is_nan() -> Iterator[None]:
    """Fills new tensors with NaN; otherwise a tensor that was never given values would often hold zeros."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def layout(model: torch.nn.Module) -> dict[str, tuple[torch.Size, torch.dtype, str]]:
    """Every parameter and buffer, tied ones under one name."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: (tensor.shape, tensor.dtype, type(tensor).__name__) for name, tensor in tensors}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns the folder of a family's model, which is written once."""

    @functools.cache
    def write(family: str) -> Path:
        return write_model(tmp_path_factory.mktemp("family"), FAMILIES[family])

    return write


@pytest.mark.parametrize("quantization", ["none", "int8", "fp4", "nf4-double"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_drawn_is_to_the_byte_what_files_of_the_same_config_give(
    written: Callable[[str], Path], caplog: pytest.LogCaptureFixture, family: str, quantization: str
) -> None:
    source = RandomModel(FAMILIES[family], seed=7, tokenizer_name="bytes")
    config = source.config()
    cures = find_cures(configuration(quantization), config, "cpu")
    options = {
        "dtype": torch.bfloat16,
        "device_map": {"": "cpu"},
        "quantization_config": library_config(
            cures.extend(QUANTIZATIONS[quantization]), torch.bfloat16, config, trust_remote_code=False
        ),
    }
    with cures.applied():
        with unset_memory_is_nan():
            drawn = source.model(config, **options)
        assert "LOAD REPORT" not in caplog.text
        filed = ModelFolder(written(family), trust_remote_code=False).model(config, **options)
    proofs = [
        read_proof(model, has_chat_template=False, workarounds=cures.names(), facts=GenerateFacts()).body
        for model in (drawn, filed)
    ]
    assert proofs[0] == proofs[1]
    assert proofs[0]["parameters"] > 0
    assert layout(drawn) == layout(filed)
    assert all(tensor.isfinite().all() for tensor in drawn.state_dict().values() if tensor.is_floating_point())


def test_every_quantization_starts_from_the_same_weights() -> None:
    none, nf4 = (
        load(configuration(quantization, model=of(_LLAMA)), Devices.open()) for quantization in ("none", "nf4-double")
    )
    embeddings = [loaded.model.get_input_embeddings().weight for loaded in (none, nf4)]
    assert torch.equal(*embeddings)
    from bitsandbytes.functional import dequantize_4bit

    original, quantized = (loaded.model.model.layers[1].mlp.up_proj.weight for loaded in (none, nf4))
    again = dequantize_4bit(quantized.data, quantized.quant_state)
    assert torch.corrcoef(torch.stack([original.flatten().float(), again.flatten().float()]))[0, 1] > 0.99


def test_a_load_without_files_has_no_load_time_and_says_where_its_weights_are_from() -> None:
    measurement = load(configuration(model=of(_LLAMA)), Devices.open()).measurement
    assert measurement["weights_source"] == "random"
    assert [measurement[key] for key in ("load_sec", "download_sec", "page_cache_share", "model_revision")] == [
        None
    ] * 4


def test_a_tensor_is_the_same_for_its_name_and_seed_and_another_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "BLOCK_VALUES", 1009)

    def draw(name: str, seed: int) -> torch.Tensor:
        tensor = DrawnTensor(name, torch.Size((64, 128)), deviation=0.5, seed=seed)
        return tensor[...].to(device="cpu", dtype=torch.float32)

    first = draw("a", 1)
    assert first.shape == (64, 128)
    assert torch.equal(first, draw("a", 1))
    assert not torch.equal(first, draw("b", 1))
    assert not torch.equal(first, draw("a", 2))
    # Made from a single block: still no two rows are alike, and the values are like those of ordinary weights.
    assert len({tuple(row.tolist()) for row in first}) == 64
    assert abs(float(first.mean())) < 0.05
    assert abs(float(first.std()) - 0.5) < 0.05


#: 270 million parameters in layers of up to 17 million: 537 MB in bfloat16, 151 MB in 4 bits, 269 MB in 8.
_WIDE = {
    "model_type": "llama",
    "vocab_size": 384,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 4,
    "num_attention_heads": 16,
}
_LARGEST_LAYER = 2048 * 8192
#: A block of random numbers, the slices of quantization, and what the libraries allocate on first use.
_WORKSPACE_BYTES = 150_000_000


@pytest.mark.parametrize("quantization", ["fp4", "int8"])
def test_the_peak_of_a_load_is_the_quantized_model_and_one_layer(
    shared_worker: WorkerDriver, quantization: str
) -> None:
    loaded = shared_worker.ok("load", {"configuration": configuration(quantization, model=of(_WIDE))})["measurement"]
    grown = loaded["load_peak_rss_bytes"] - loaded["baseline_rss_bytes"]
    weights = loaded["proof"]["weights_bytes"]
    assert grown <= weights + 4 * _LARGEST_LAYER + _WORKSPACE_BYTES
    # Far below the size of the model in bfloat16, so that was never in memory.
    assert weights + 4 * _LARGEST_LAYER + _WORKSPACE_BYTES < 2 * loaded["proof"]["parameters"]


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({**TINY_FALCON, "vocab_size": 65024}, id="a large vocabulary"),
        # Families for which AutoTokenizer would substitute a tokenizer of their own.
        pytest.param({**_LLAMA, "model_type": "mistral"}, id="mistral"),
        pytest.param({**_LLAMA, "model_type": "qwen2"}, id="qwen2"),
        pytest.param({**_LLAMA, "model_type": "phi3", "pad_token_id": 0}, id="phi3"),
    ],
)
def test_text_is_read_byte_by_byte_whatever_the_family_and_the_vocabulary(
    shared_worker: WorkerDriver, config: dict[str, Any]
) -> None:
    shared_worker.ok("load", {"configuration": configuration(model=of(config))})
    measured = shared_worker.ok("generate", trial("Grüße"))["measurement"]
    assert measured["input_tokens"] == len("Grüße".encode()) + 1
    assert measured["output_tokens"] == len(measured["output_ids"]) == 6
