"""Answers several prompts in one ``generate``: pads rows on the left to the same length, and separates the answers.

If ``prepare_batch(loaded, [short, long], generation).row_tokens`` is ``(5, 9)``, the short prompt has four tokens of
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
from falcon_exp.worker.wire_types import Generation


@dataclass(frozen=True)
class Batch:
    """The inputs of one ``generate``, one row per prompt."""

    #: Tensors, rows x tokens, on the device that the model reads them from.
    inputs: dict[str, torch.Tensor]
    #: The number of tokens in each row, without padding.
    row_tokens: tuple[int, ...]
    templated: bool

    @property
    def padded_tokens(self) -> int:
        """The number of tokens per row including padding, which is where every answer begins."""
        return max(self.row_tokens)

    def read_row(self, output: torch.Tensor, index: int, new_tokens: int) -> torch.Tensor:
        """Returns one row's prompt and answer from the output of ``generate``, 1 x tokens, without any padding."""
        begin = self.padded_tokens - self.row_tokens[index]
        return output[index : index + 1, begin : self.padded_tokens + new_tokens]


def prepare_batch(loaded: Loaded, prompts: Sequence[FittedPrompt], generation: Generation) -> Batch:
    """Returns the prompts as rows, in the same order; a single prompt stays as its tokenizer returned it."""
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
    """Pads rows on the left; ``generate`` counts positions along the mask, so padding does not shift a row's positions.

    The padding repeats the row's first token. It is masked, so the model never reads it, and a repetition penalty
    (which looks at the ids and not at the mask) finds no token in it that is not in the prompt anyway. A ``pad_token``
    is often the token that ends an answer, and penalizing that token would keep the row from ending.
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


def find_row_limits(prompts: Sequence[FittedPrompt], generation: Generation) -> tuple[int, ...] | None:
    """Returns how many new tokens each row may have under ``max_length``; None if it is not set or there is one row.

    The library applies ``max_length`` to padded rows, which would cut off the answers to short prompts.
    """
    if generation["max_length"] is None or len(prompts) == 1:
        return None
    return tuple(int(generation["max_length"]) - prompt.input_tokens for prompt in prompts)


def cut_answers(
    output: torch.Tensor, batch: Batch, ends: Sequence[int], limits: Sequence[int] | None
) -> list[torch.Tensor]:
    """Returns each row's new tokens up to its own end, without what ``generate`` appends while other rows go on."""
    new = output[:, batch.padded_tokens :].to(device="cpu", dtype=torch.int64)
    if len(batch.row_tokens) == 1:
        return [new[0]]
    answers = []
    for index, row in enumerate(new):
        own = row if limits is None else row[: limits[index]]
        at_end = torch.isin(own, torch.tensor(list(ends), dtype=torch.int64)).nonzero()
        answers.append(own if len(at_end) == 0 else own[: int(at_end[0]) + 1])
    return answers
