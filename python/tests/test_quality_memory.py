"""The memory that scoring takes beside the model is bounded, however wide the vocabulary and long the window."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from falcon_exp.worker.trial.quality import measure_quality
from falcon_exp.worker.trial.row_scores import CHUNK_BYTES, LIVE_COPIES, rows_at_once
from falcon_exp.worker.trial.window_logits import LOGITS_BYTES
from tests.live_bytes import peak_live_bytes

#: NLL, most likely token, divergence and the like: a few numbers per position.
_BYTES_A_POSITION = 200


class Tokenizer:
    """Each character is one token."""

    bos_token_id = None

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) for character in text]}


class KnownLogits(torch.nn.Module):  # type: ignore[misc]
    """A model that allocates nothing, because its logits exist before it is called."""

    def __init__(self, context: int, vocabulary: int) -> None:
        super().__init__()
        self.config = LlamaConfig(vocab_size=vocabulary, max_position_embeddings=context)
        self.device = torch.device("cpu")
        generator = torch.Generator().manual_seed(1)
        self.logits = torch.randn(1, context, vocabulary, generator=generator, dtype=torch.bfloat16)

    def get_output_embeddings(self) -> None:
        return None

    @property
    def base_model(self) -> KnownLogits:
        return self

    def forward(self, input_ids: Any, use_cache: bool, logits_to_keep: int) -> SimpleNamespace:
        return SimpleNamespace(logits=self.logits[:, -logits_to_keep:])


def _measure(model: Any, folder: Path, mode: str, context: int) -> Any:
    logprobs = {"mode": mode, "folder": str(folder)}
    request: Any = {"text_id": "t", "text": "a" * context, "context": context, "max_tokens": None, "logprobs": logprobs}
    loaded: Any = SimpleNamespace(
        model=model, tokenizer=Tokenizer(), configuration={"quantization": {"method": "none"}}
    )
    return measure_quality(loaded, request, lambda *_: None)


@pytest.mark.parametrize(("vocabulary", "context"), [(1_000, 8192), (49_152, 512), (262_144, 64)])
def test_what_is_as_wide_as_the_vocabulary_stays_within_the_stated_bytes(
    tmp_path: Path, vocabulary: int, context: int
) -> None:
    model = KnownLogits(context, vocabulary)
    rows = rows_at_once(vocabulary, 8)
    # There is more than one chunk, and each chunk nearly reaches the bound.
    assert rows < context // 2 - 1
    assert CHUNK_BYTES * 0.9 < LIVE_COPIES * rows * vocabulary * 8 <= CHUNK_BYTES
    writing = peak_live_bytes(lambda: _measure(model, tmp_path, "write", context))
    reading = peak_live_bytes(lambda: _measure(model, tmp_path, "read", context))
    copies = rows * vocabulary * 8
    small = context * _BYTES_A_POSITION
    assert writing < LIVE_COPIES * copies + small
    # Neither more nor less than stated.
    assert LIVE_COPIES * copies <= reading <= LIVE_COPIES * copies + small


def test_the_logits_of_a_long_window_are_made_in_slices(tmp_path: Path) -> None:
    context, vocabulary = 512, 262_144
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=context,
    )
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).eval()
    whole = context // 2 * vocabulary * 4
    assert whole > LOGITS_BYTES
    found: list[dict[str, Any]] = []
    peak = peak_live_bytes(lambda: found.append(_measure(model, tmp_path, "write", context)))
    assert found[0]["logits_bytes"] == 128 * vocabulary * 4
    # Two slices of 128 and 127 positions; the body of such a small model hardly counts.
    assert peak < whole / 2 + CHUNK_BYTES + 4_000_000
