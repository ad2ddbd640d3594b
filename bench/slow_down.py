"""Makes a model slower by construction, and by the same factor whatever the machine does meanwhile."""

from typing import Any


def slow_down(model: Any, of_ten: int) -> None:
    """Makes ``of_ten`` of ten quantized layers work twice in each forward pass; the answers stay the same."""
    layers = [module for module in model.modules() if type(module).__name__ == "Linear4bit"]
    if not layers:
        raise ValueError("the model has no layer in 4 bit: nothing would be slower")
    for index, layer in enumerate(layers):
        if index % 10 < of_ten:
            layer.register_forward_pre_hook(_work_once_more)


def _work_once_more(layer: Any, inputs: tuple[Any, ...]) -> None:
    layer.forward(*inputs)
