"""Several prompts answered in one ``generate``: rows padded on the left to one length, each row's answer by itself.

``prepare_batch(loaded, [short, long], generation).row_tokens`` is ``(5, 9)``: the short prompt has four tokens of
padding before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from falcon_exp.worker.devices.live_map import find_input_device
from falcon_exp.worker.trial.loading import Loaded
from falcon_exp.worker.trial.prompts import FittedPrompt, tokenize_prompt


@dataclass(frozen=True)
class Batch:
    """What the model reads."""

    #: Tensors, rows x tokens, on the device where the model reads them.
    inputs: dict[str, torch.Tensor]
    #: Of each row its own tokens, padding left out.
    row_tokens: tuple[int, ...]
    templated: bool

    @property
    def padded_tokens(self) -> int:
        """Tokens of every row with its padding: answers begin there."""
        return max(self.row_tokens)

    def read_row(self, output: torch.Tensor, index: int, new_tokens: int) -> torch.Tensor:
        """Of what ``generate`` gave: one row's prompt and answer, 1 x tokens, nothing before or behind them."""
        begin = self.padded_tokens - self.row_tokens[index]
        return output[index : index + 1, begin : self.padded_tokens + new_tokens]


def prepare_batch(loaded: Loaded, prompts: Sequence[FittedPrompt], generation: dict[str, Any]) -> Batch:
    """The prompts as rows, in their order; a single one as its tokenizer gives it."""
    tokenized = [tokenize_prompt(loaded, prompt, generation) for prompt in prompts]
    rows = [inputs for inputs, _ in tokenized]
    device = find_input_device(loaded.model)
    inputs = dict(rows[0]) if len(rows) == 1 else _pad_left(rows)
    return Batch(
        {name: tensor.to(device) for name, tensor in inputs.items()},
        tuple(int(row["input_ids"].shape[1]) for row in rows),
        tokenized[0][1],
    )


def _pad_left(rows: Sequence[Any]) -> dict[str, torch.Tensor]:
    """``generate`` counts positions along the mask, so that each row's own tokens stand where they stand alone.

    The padding repeats the row's first token: masked, it is never read, and a penalty on repeating tokens (which looks
    at the ids and not at the mask) finds no token in it that the prompt has not. A ``pad_token`` is often the token
    that ends an answer, and then its row would be kept from ending.
    """
    longest = max(int(row["input_ids"].shape[1]) for row in rows)
    ids, masks = [], []
    for row in rows:
        own = row["input_ids"][0]
        mask = row["attention_mask"][0] if "attention_mask" in row else torch.ones_like(own)
        padding = longest - len(own)
        ids.append(torch.cat([own[:1].expand(padding), own]))
        masks.append(torch.cat([mask.new_zeros(padding), mask]))
    return {"input_ids": torch.stack(ids), "attention_mask": torch.stack(masks)}


def find_row_limits(prompts: Sequence[FittedPrompt], generation: dict[str, Any]) -> tuple[int, ...] | None:
    """New tokens that each row may have, where ``max_length`` gives rows of unlike length unlike room; None elsewhere.

    The library takes ``max_length`` for the padded row's, and would cut the answers to short prompts.
    """
    if generation["max_length"] is None or len(prompts) == 1:
        return None
    return tuple(int(generation["max_length"]) - prompt.input_tokens for prompt in prompts)


def cut_answers(
    output: torch.Tensor, batch: Batch, ends: Sequence[int], limits: Sequence[int] | None
) -> list[torch.Tensor]:
    """Each row's new tokens up to its own end: what ``generate`` fills it up with while others go on is no answer."""
    new = output[:, batch.padded_tokens :].to(device="cpu", dtype=torch.int64)
    if len(batch.row_tokens) == 1:
        return [new[0]]
    answers = []
    for index, row in enumerate(new):
        own = row if limits is None else row[: limits[index]]
        at_end = torch.isin(own, torch.tensor(list(ends), dtype=torch.int64)).nonzero()
        answers.append(own if len(at_end) == 0 else own[: int(at_end[0]) + 1])
    return answers
