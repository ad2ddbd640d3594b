"""Bytes counted by the program, compared with bytes counted by hand."""

from __future__ import annotations

import bitsandbytes as bnb
import torch

from falcon_exp.worker.proof.census import take_census
from falcon_exp.worker.proof.weights import count_parameters

ROWS, COLUMNS = 96, 256
VALUES = ROWS * COLUMNS
BLOCK = 64


def bytes_by_dtype(model: torch.nn.Module) -> dict[str, int]:
    return take_census(model).bytes_by_dtype


def four_bit(*, double: bool) -> torch.nn.Module:
    layer = bnb.nn.Linear4bit(COLUMNS, ROWS, bias=False, quant_type="nf4", compress_statistics=double)
    return torch.nn.Sequential(layer.to("cpu"))


def test_4_bit_is_half_a_byte_a_value_a_scale_a_block_and_a_table() -> None:
    layer = four_bit(double=False)
    scales, table = VALUES // BLOCK, 16
    assert bytes_by_dtype(layer) == {"float32": 4 * (scales + table), "uint8": VALUES // 2}
    assert count_parameters(layer) == VALUES


def test_double_quantization_makes_the_scales_a_byte_each_and_adds_their_own_state() -> None:
    sizes = bytes_by_dtype(four_bit(double=True))
    scales = VALUES // BLOCK
    second_scales = -(-scales // 256)
    # The first table of 16 values, the second of 256, the scales of the scales, and the offset.
    assert sizes == {"float32": 4 * (16 + 256 + second_scales + 1), "uint8": VALUES // 2 + scales}


def test_8_bit_is_a_byte_a_value_and_a_scale_a_row_before_and_after_use() -> None:
    layer = bnb.nn.Linear8bitLt(COLUMNS, ROWS, bias=False, has_fp16_weights=False, threshold=6.0)
    model = torch.nn.Sequential(layer.to("cpu"))
    expected = {"float32": 4 * ROWS, "int8": VALUES}
    assert bytes_by_dtype(model) == expected
    with torch.inference_mode():
        model(torch.randn(2, COLUMNS, dtype=torch.bfloat16))
    assert bytes_by_dtype(model) == expected
    assert count_parameters(model) == VALUES


def test_tied_weights_count_once() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 8, bias=False), torch.nn.Linear(8, 8, bias=False))
    model[1].weight = model[0].weight
    assert bytes_by_dtype(model) == {"float32": 8 * 8 * 4}
    assert count_parameters(model) == 64
