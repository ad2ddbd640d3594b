"""Which cures a configuration needs, found before anything is loaded (docs/worker.md, workarounds)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.proof.linear_modules import linear_modules
from falcon_exp.worker.quantization.four_bit import FourBit
from falcon_exp.worker.quantization.int8 import Int8
from falcon_exp.worker.quantization.quanto import Quanto
from falcon_exp.worker.quantization.registry import find_method
from falcon_exp.worker.quantization.skip_modules import refuse_unmatched, suggest_entries
from falcon_exp.worker.skeleton import build_skeleton
from falcon_exp.worker.wire_types import Configuration
from falcon_exp.worker.workarounds import (
    cpu_4bit_shapes,
    int8_inputs,
    plain_linear,
    quanto_inference,
    quanto_inputs,
    quanto_shapes,
    weight_readers,
)

#: bitsandbytes' methods, which have most of these defects.
_INT8, _FOUR_BIT = Int8.key, FourBit.key
_MOST_NAMED = 5


@dataclass(frozen=True)
class Cures:
    """Empty by default: an unquantized model needs no cure, and with ``workarounds: none`` there is none."""

    #: Names of modules to turn into plain ``nn.Linear`` ones before the quantizer sees them.
    plain: list[str] = field(default_factory=list)
    #: Names of modules whose inputs are flattened once they are 8-bit.
    flat: list[str] = field(default_factory=list)
    #: Names of modules that compute outside PyTorch's inference mode.
    outside: list[str] = field(default_factory=list)
    #: Names of modules whose inputs are made contiguous.
    ordered: list[str] = field(default_factory=list)
    #: For each cure, the modules that stay unquantized because of it.
    unquantized: dict[str, list[str]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Returns the names of the cures that are applied."""
        applied = [*self.unquantized]
        if self.plain:
            applied.append(plain_linear.NAME)
        if self.flat:
            applied.append(int8_inputs.NAME)
        if self.outside:
            applied.append(quanto_inference.NAME)
        if self.ordered:
            applied.append(quanto_inputs.NAME)
        return sorted(applied)

    def extend(self, quantization: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the quantization with these modules added to the ones that it leaves out."""
        more = [name for names in self.unquantized.values() for name in names]
        if not more:
            return quantization
        return {**quantization, "skip_modules": sorted({*(quantization.get("skip_modules") or []), *more})}

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Entered around the load."""
        with plain_linear.make_plain(self.plain):
            yield

    def finish(self, model: torch.nn.Module) -> None:
        """Called after the load."""
        int8_inputs.flatten_inputs(model, self.flat)
        quanto_inference.leave_inference_mode(model, self.outside)
        quanto_inputs.order_inputs(model, self.ordered)


def find_cures(configuration: Configuration, config: Any, device_kind: str) -> Cures:
    """Finds the cures that a configuration needs.

    Raises WorkerError ``quantization-shape`` if a layer cannot run and ``workarounds: none`` forbids the cure,
    ``quantization-unsupported`` if the model's own code would then read a quantized weight, and
    ``skip-modules-unmatched`` if an entry of ``skip_modules`` names no layer.
    """
    quantization: Mapping[str, Any] = configuration["quantization"]
    method = quantization["method"]
    traits = find_method(quantization)
    if not traits.replaces_layers:
        return Cures()
    model = build_skeleton(config, trust_remote_code=configuration["trust_remote_code"])
    refuse_unmatched(quantization.get("skip_modules"), model)
    linears = _quantizable(model, quantization.get("skip_modules"))
    is_allowed = configuration["workarounds"] == "auto"
    readers = weight_readers.find_weight_readers(model, linears, config, method) if is_allowed else []
    if not is_allowed:
        _refuse_read_by_the_model(linears, config, method)
    remaining = {name: module for name, module in linears.items() if name not in readers}
    wants_plain = is_allowed and not traits.replaces_subclasses
    plain = [name for name, module in remaining.items() if plain_linear.is_subclass(module)] if wants_plain else []
    unfit: dict[str, tuple[int, int]] = {}
    if method == _FOUR_BIT and cpu_4bit_shapes.is_limited(device_kind):
        unfit = cpu_4bit_shapes.find_unfit(remaining)
    unfit_of_quanto: dict[str, tuple[int, int]] = {}
    if method == Quanto.key and device_kind == "cpu" and _may_be_bfloat16(configuration, config):
        unfit_of_quanto = quanto_shapes.find_unfit(remaining, quantization["type"])
    if (unfit or unfit_of_quanto) and not is_allowed:
        raise _shape_error(unfit or unfit_of_quanto, linears, quantization)
    remaining = {name: module for name, module in remaining.items() if name not in unfit_of_quanto}
    gives_views = str(config.model_type) in quanto_inputs.GIVING_VIEWS
    unquantized = {
        weight_readers.NAME: readers,
        cpu_4bit_shapes.NAME: list(unfit),
        quanto_shapes.NAME: list(unfit_of_quanto),
    }
    return Cures(
        plain=[name for name in plain if name not in unfit],
        flat=int8_inputs.find_given_more(remaining) if method == _INT8 and is_allowed else [],
        outside=_list_of_quanto(("int4",), quantization, remaining) if is_allowed else [],
        ordered=_list_of_quanto(("int8", "int4"), quantization, remaining) if gives_views and is_allowed else [],
        unquantized={name: modules for name, modules in unquantized.items() if modules},
    )


def _list_of_quanto(
    kinds: tuple[str, ...], quantization: Mapping[str, Any], linears: dict[str, torch.nn.Module]
) -> list[str]:
    """Returns the names of the layers that quanto will replace if one of these types was asked for, else nothing."""
    if quantization["method"] != Quanto.key or quantization["type"] not in kinds:
        return []
    return [name for name, module in linears.items() if isinstance(module, torch.nn.Linear)]


def _quantizable(model: Any, skip_modules: list[str] | None) -> dict[str, torch.nn.Module]:
    """Returns the linear layers that neither the library nor the user leaves out."""
    from transformers.quantizers.base import get_keys_to_not_convert
    from transformers.quantizers.quantizers_utils import should_convert_module

    left_out = [*get_keys_to_not_convert(model), *(skip_modules or [])]
    return {name: module for name, module in linear_modules(model).items() if should_convert_module(name, left_out)}


def _may_be_bfloat16(configuration: Configuration, config: Any) -> bool:
    """Whether the model may run in bfloat16; True if only its files name a dtype: they may not be here yet."""
    asked = configuration.get("dtype", "auto")
    named = getattr(config, "dtype", None) if asked == "auto" else asked
    return named is None or str(named).removeprefix("torch.") == "bfloat16"


def _refuse_read_by_the_model(linears: dict[str, torch.nn.Module], config: Any, method: str) -> None:
    """Refuses a model that would otherwise fail in its first trial, or silently compute something else."""
    endings = weight_readers.endings_of(config, method)
    found = [name for name in linears if endings and name.endswith(endings)]
    if found:
        raise WorkerError(
            "quantization-unsupported",
            f"The model's own code ({config.model_type}) reads or changes the weights of {_name_some(found)}, which "
            f"it cannot with quantized ones. They can stay unquantized: {_skip_line(found, linears)}",
            next_step="Write these skip_modules, or leave workarounds: none out.",
        )


def _shape_error(
    unfit: dict[str, tuple[int, int]], linears: dict[str, Any], quantization: Mapping[str, Any]
) -> WorkerError:
    taken = "a multiple of 32 outputs and a multiple of 64 inputs"
    kernel = "This CPU's 4-bit kernel"
    if quantization["method"] == Quanto.key:
        kernel, taken = f"The CPU's kernel for quanto-{quantization['type']}", quanto_shapes.TAKEN[quantization["type"]]
    named = [f"{name} ({columns} → {rows})" for name, (columns, rows) in unfit.items()]
    return WorkerError(
        "quantization-shape",
        f"{kernel} takes layers with {taken}: not {_name_some(named)}. They can stay unquantized: "
        f"{_skip_line(list(unfit), linears)}",
    )


def _name_some(names: list[str]) -> str:
    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _skip_line(names: list[str], linears: dict[str, Any]) -> str:
    entries = suggest_entries(names, [name for name in linears if name not in names])
    return f"skip_modules: [{', '.join(entries)}]"
