"""A census finds out from storage what a model is made of, whichever library packed it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.census import take_census
from falcon_exp.worker.proof.generate_facts import GenerateFacts
from falcon_exp.worker.proof.proof import Proof, read_proof
from falcon_exp.worker.proof.verify_proof import verify
from falcon_exp.worker.trial.loading import Loaded, load
from tests.conftest import configuration
from tests.live_bytes import kept_live_bytes
from tests.proof.tiny_models import tiny_model


def _load(family: str, quantization: str) -> Loaded:
    return load(configuration(quantization, model=tiny_model(family)), Devices.open())


def _kinds(proof: Any) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in proof["census"]["kinds"]}


@functools.cache
def _count_by_hand(family: str) -> tuple[int, int]:
    """(weights in linear layers, all weights in matrices) of the unquantized model, without head and embeddings."""
    model = _load(family, "none").model
    left_out = {id(model.get_input_embeddings().weight), id(model.get_output_embeddings().weight)}
    linear = sum(
        module.weight.numel()
        for module in model.modules()
        if type(module) is torch.nn.Linear and id(module.weight) not in left_out
    )
    matrices = sum(
        one.numel()
        for name, one in model.named_parameters()
        if one.dim() > 1 and id(one) not in left_out and not name.endswith("_bias")
    )
    return linear, matrices


@pytest.mark.parametrize("quantization", ["int8", "fp4", "nf4-double"])
@pytest.mark.parametrize(("family", "percent"), [("llama", 100), ("mixtral", 6), ("qwen3_moe", 11), ("gpt_oss", 11)])
def test_the_share_counts_experts_that_no_library_quantized(family: str, percent: int, quantization: str) -> None:
    proof = _load(family, quantization).measurement["proof"]
    linear, matrices = _count_by_hand(family)
    share = proof["matrix_weights_quantized_share"]
    assert share == linear / matrices
    assert round(100 * share) == percent
    kinds = _kinds(proof)
    assert kinds["attention"]["quantized_weights"] == kinds["attention"]["matrix_weights"]
    if family == "llama":
        assert proof["mean_bits_per_weight"] < (9 if quantization == "int8" else 5)
    else:
        assert kinds["experts"]["quantized_weights"] == 0
        assert kinds["experts"]["unquantized_dtype"] == "bfloat16"
        assert kinds["router"]["matrix_weights"] > 0
        assert proof["mean_bits_per_weight"] > 14


@pytest.mark.parametrize(
    ("family", "quantization"),
    [
        *itertools.product(["llama", "mixtral", "gpt_oss"], ["none", "int8", "fp4", "nf4-double"]),
        *(("llama", f"torchao-{kind}") for kind in ("int8", "int8-dynamic", "float8")),
        *(("llama", f"quanto-{kind}") for kind in ("int8", "int4", "float8")),
    ],
)
def test_bytes_are_those_that_the_allocator_gave(
    family: str, quantization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The profiler only sees what one thread allocates.
    monkeypatch.setenv("HF_DEACTIVATE_ASYNC_LOAD", "1")
    _load(family, quantization)  # What libraries keep after their first use is not part of the model.
    loaded, live = kept_live_bytes(lambda: _load(family, quantization))
    told = loaded.measurement["proof"]["weights_bytes"]
    assert live == pytest.approx(told, rel=0.01)
    with torch.inference_mode():
        _, change = kept_live_bytes(lambda: loaded.model(torch.arange(3, 9).unsqueeze(0)) and None)
    running = loaded.proof().body["weights_bytes"]
    assert live + change == pytest.approx(running, rel=0.01)


def test_what_8_bit_layers_keep_of_their_last_input_is_no_part_of_the_model() -> None:
    quantization = {"method": "int8", "threshold": 0.01, "skip_modules": None}
    asked: Any = {**configuration(model=tiny_model("llama")), "quantization": quantization}
    loaded = load(asked, Devices.open())
    at_load = loaded.proof().body
    with torch.inference_mode():
        loaded.model(torch.tensor([[1, 2, 3]]))
    # With such a low threshold, layers have outliers and remember which columns they were in.
    assert any(module.state.idx.numel() > 0 for module in loaded.model.modules() if hasattr(module, "state"))
    assert loaded.proof().body["bytes_by_dtype"] == at_load["bytes_by_dtype"]


def test_kinds_add_up_to_the_whole() -> None:
    proof = _load("gpt_oss", "fp4").measurement["proof"]
    assert sum(one["bytes"] for one in proof["census"]["kinds"]) == proof["weights_bytes"]
    assert sum(proof["bytes_by_dtype"].values()) == proof["weights_bytes"]
    assert proof["census"]["unknown"] == {"count": 0, "names": []}


class Closed(torch.Tensor):  # type: ignore[misc]
    """Claims to be bfloat16, but consists of bytes and scales that cannot be looked into."""

    values: torch.Tensor
    scales: torch.Tensor

    @staticmethod
    def __new__(cls: type, values: torch.Tensor, scales: torch.Tensor) -> Any:
        return torch.Tensor._make_wrapper_subclass(cls, values.shape, dtype=torch.bfloat16, device=values.device)

    def __init__(self, values: torch.Tensor, scales: torch.Tensor) -> None:
        self.values, self.scales = values, scales

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.detach.default:
            return cls(args[0].values, args[0].scales)
        raise NotImplementedError(str(func))


class Packed(Closed):
    """Tells what it is made of, as torchao's tensors do."""

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["values", "scales"], None


class FlattenFails(Closed):
    """Fails when it is looked into."""

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        raise RuntimeError("not now")


def _with_weights(make: Callable[[torch.nn.Linear], torch.Tensor]) -> tuple[Loaded, Proof]:
    """An unquantized Llama whose layer weights are then replaced, as by a library that does not say so."""
    loaded = _load("llama", "none")
    for name, module in loaded.model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            module.weight = torch.nn.Parameter(make(module), requires_grad=False)
    return loaded, read_proof(loaded.model, has_chat_template=False, workarounds=[], facts=GenerateFacts())


def _packed(subclass: Any) -> Callable[[torch.nn.Linear], torch.Tensor]:
    def make(module: torch.nn.Linear) -> Any:
        rows, columns = module.out_features, module.in_features
        return subclass(torch.zeros(rows, columns, dtype=torch.int8), torch.ones(rows, dtype=torch.float32))

    return make


def test_a_tensor_subclass_counts_as_what_it_is_made_of_and_never_passes_as_none() -> None:
    loaded, proof = _with_weights(_packed(Packed))
    assert proof.body["matrix_weights_quantized_share"] == 1
    assert 8 < proof.body["mean_bits_per_weight"] < 9
    assert proof.body["quantization_effective"]["method"] == "other"
    assert proof.body["quantized_linear_layers"] == 14
    assert proof.body["weights_bytes"] < loaded.measurement["proof"]["weights_bytes"]
    with pytest.raises(WorkerError, match=r"No quantization was asked for, but 14 weight matrices are int8") as caught:
        verify(proof, configuration(), dtype="bfloat16")
    assert "and 9 more" in caught.value.message


@pytest.mark.parametrize("subclass", [Closed, FlattenFails])
def test_what_cannot_be_opened_is_unknown_and_not_unquantized(subclass: Any) -> None:
    _, proof = _with_weights(_packed(subclass))
    assert proof.body["matrix_weights_quantized_share"] is None
    assert proof.body["mean_bits_per_weight"] is None
    assert proof.body["quantization_effective"]["method"] == "unknown"
    assert proof.body["census"]["unknown"]["count"] == 14
    assert len(proof.body["census"]["unknown"]["names"]) == 5
    for quantization in ("none", "fp4"):
        with pytest.raises(WorkerError, match="it is unknown what"):
            verify(proof, configuration(quantization), dtype="bfloat16")


def test_8_bit_floats_are_told_from_their_storage() -> None:
    _, proof = _with_weights(lambda module: module.weight.to(torch.float8_e4m3fn))
    assert proof.body["matrix_weights_quantized_share"] == 1
    assert proof.body["mean_bits_per_weight"] == 8
    with pytest.raises(WorkerError, match="float8_e4m3fn"):
        verify(proof, configuration(), dtype="bfloat16")
    verify(proof, configuration(), dtype="float8_e4m3fn")


class PackedLinear(torch.nn.Module):  # type: ignore[misc]
    """Like GPTQ's layer: no parameters, and its weights in integer buffers, eight per element."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.in_features, self.out_features = inputs, outputs
        self.register_buffer("qweight", torch.zeros(inputs // 8, outputs, dtype=torch.int32))
        self.register_buffer("scales", torch.ones(inputs // 64, outputs, dtype=torch.float16))
        self.bias = None


def test_a_layer_packed_into_buffers_stands_for_its_inputs_times_its_outputs() -> None:
    census = take_census(torch.nn.Sequential(PackedLinear(128, 64)))
    assert census.quantized_share() == 1
    assert census.mean_bits() == 4 + 16 / 64


class PackedExperts(torch.nn.Module):  # type: ignore[misc]
    """Blocks for which no method knows how many weights a byte holds."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = torch.nn.Parameter(torch.zeros(4, 8, 16, dtype=torch.uint8), requires_grad=False)


def test_integers_that_no_method_knows_are_unknown() -> None:
    model = torch.nn.ModuleDict({"experts": PackedExperts(), "up": torch.nn.Linear(8, 8)})
    census = take_census(model)
    assert census.unknown == ["experts.blocks"]
    assert census.quantized_share() is None
    assert census.weights_bytes == 4 * 8 * 16 + 4 * (8 * 8 + 8)


class Cached(torch.nn.Module):  # type: ignore[misc]
    """Keeps tensors where no library looks for them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.zeros(10)
        self.by_name = {"a": [torch.zeros(20)], "same": self.table}
        self.parent = [torch.nn.Linear(8, 8)]


def test_plain_attributes_count_and_what_is_only_referred_to_does_not() -> None:
    assert take_census(Cached()).weights_bytes == 4 * 30


def test_tied_matrices_are_one_of_which_both_modules_know() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 8, bias=False), torch.nn.Linear(8, 8, bias=False))
    model[1].weight = model[0].weight
    census = take_census(model)
    assert len(census.matrices) == 1
    assert census.by_module["0"] == census.by_module["1"]
    assert census.weights_bytes == 4 * 64
