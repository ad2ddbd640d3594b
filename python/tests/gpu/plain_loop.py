"""The yardstick of the GPU tests: transformers used as one would by hand, without falcon-exp around it.

Reads one JSON command per line and answers each with one line of JSON:
  {"do": "draw", "config", "seed", "folder"}                   makes a model folder            → {}
  {"do": "load", "folder", "quantization", "device"}           loads it onto a device          → {}
  {"do": "generate", "prompt", "new_tokens"}                   generates greedily              → {"elapsed_sec": …,
      "first_token_sec": of one token alone, "peak_allocated_bytes": …, "input_tokens": …, "output_tokens": …}
Ends when its stdin ends. ``device`` is an index. For simulated cards, tensors lie on the CPU and are counted here too.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import Any


class Card:
    """A CUDA device, accessed through torch alone."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.place = f"cuda:{index}"

    def note_model(self, model: Any) -> None:
        """Does nothing: torch counts by itself."""

    def wait(self) -> None:
        import torch

        torch.cuda.synchronize(self.index)

    def reset_peak(self) -> None:
        import torch

        torch.cuda.reset_peak_memory_stats(self.index)

    def read_peak_bytes(self) -> int:
        import torch

        return int(torch.cuda.max_memory_allocated(self.index))


class SimulatedCard(Card):
    """Counts this process's tensors as the simulated card of a trial process counts its own."""

    def __init__(self, index: int) -> None:
        from falcon_exp.worker.devices.simulated.memory_counter import MemoryCounter

        super().__init__(index)
        self.place = "cpu"
        self._counter = MemoryCounter(index, 10**12)
        self._counter.__enter__()

    def note_model(self, model: Any) -> None:
        self._counter.add([*model.parameters(), *model.buffers()])

    def wait(self) -> None:
        pass

    def reset_peak(self) -> None:
        self._counter.reset_peak()

    def read_peak_bytes(self) -> int:
        return self._counter.peak_bytes


def open_card(index: int) -> Card:
    return SimulatedCard(index) if os.environ.get("FALCON_EXP_SIMULATED_ACCELERATOR") else Card(index)


def write_quantization_config(quantization: str) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    if quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    if quantization == "fp4":
        return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    if quantization == "nf4-double":
        # The default compute dtype, float32.
        return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)
    return None


class PlainLoop:
    """One model at a time."""

    def __init__(self) -> None:
        self._card: Card | None = None
        self._model: Any = None
        self._tokenizer: Any = None

    def draw(self, config: dict[str, Any], seed: int, folder: str) -> dict[str, Any]:
        from transformers import AutoConfig, AutoModelForCausalLM, ByT5Tokenizer, set_seed

        set_seed(seed)
        rest = {name: value for name, value in config.items() if name != "model_type"}
        AutoModelForCausalLM.from_config(AutoConfig.for_model(config["model_type"], **rest)).save_pretrained(folder)
        ByT5Tokenizer().save_pretrained(folder)
        return {}

    def load(self, folder: str, quantization: str, device: int) -> dict[str, Any]:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._card = self._card or open_card(device)
        # Frees the previous model first. Its modules and hooks refer to each other, so it takes a collection.
        self._model = None
        gc.collect()
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.bfloat16,
            device_map={"": self._card.place},
            quantization_config=write_quantization_config(quantization),
        )
        self._model.eval()
        self._card.note_model(self._model)
        return {}

    def generate(self, prompt: str, new_tokens: int) -> dict[str, Any]:
        card = self._card
        assert card is not None, "nothing is loaded"
        first_token_sec, _, _ = self._time(card, prompt, 1)
        card.reset_peak()
        elapsed_sec, input_tokens, output_tokens = self._time(card, prompt, new_tokens)
        return {
            "elapsed_sec": elapsed_sec,
            "first_token_sec": first_token_sec,
            "peak_allocated_bytes": card.read_peak_bytes(),
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
        }

    def _time(self, card: Card, prompt: str, new_tokens: int) -> tuple[float, int, int]:
        import torch

        card.wait()
        started = time.perf_counter()
        inputs = self._tokenizer(prompt, return_tensors="pt").to(card.place)
        with torch.inference_mode():
            output = self._model.generate(
                **inputs, max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=False
            )
        card.wait()
        elapsed_sec = time.perf_counter() - started
        input_tokens = int(inputs["input_ids"].shape[1])
        return elapsed_sec, input_tokens, int(output.shape[1]) - input_tokens


def main() -> None:
    # Anything that a library prints must not end up between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    loop = PlainLoop()
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(loop, command.pop("do"))(**command)
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
