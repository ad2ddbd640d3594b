"""How much slower the second configuration of the experiment ``different`` truly is, measured without falcon-exp.

Takes JSON with the model's config and how many of ten layers work twice. Loads both models several times, in turn, and
generates with each in turn; prints the ratio of every load, and the median and spread over loads.
"""

import json
import logging
import statistics
import sys
import tempfile
import time
from typing import Any

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

import torch  # noqa: E402
from slow_down import slow_down  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig  # noqa: E402

LOADS = 6
PAIRS = 10


def load_model(folder: str, of_ten: int) -> Any:
    """Loads the model in nf4."""
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, quantization_config=nf4).eval()
    slow_down(model, of_ten)
    return model


def generate(model: Any, ids: torch.Tensor, new_tokens: int) -> float:
    """Returns the seconds of one generate."""
    started = time.perf_counter()
    with torch.inference_mode():
        model.generate(ids, max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=False, pad_token_id=0)
    return time.perf_counter() - started


def main() -> None:
    asked = json.loads(sys.argv[1])
    torch.manual_seed(40)
    config = AutoConfig.for_model(**asked["config"])
    ids = torch.randint(3, config.vocab_size, (1, asked["prompt_tokens"]))
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
        for load in range(LOADS):
            both = [0, asked["of_ten"]]
            models = [load_model(folder, of_ten) for of_ten in (both if load % 2 == 0 else reversed(both))]
            reference, slower = models if load % 2 == 0 else reversed(models)
            times: dict[bool, list[float]] = {False: [], True: []}
            for pair in range(PAIRS + 1):
                for is_slower in (False, True) if pair % 2 == 0 else (True, False):
                    sec = generate(slower if is_slower else reference, ids, asked["new_tokens"])
                    if pair > 0:
                        times[is_slower].append(sec)
            ratios.append(statistics.median(times[True]) / statistics.median(times[False]))
            print(
                f"load {load + 1}: {ratios[-1]:.3f}x, {statistics.median(times[False]):.3f} s the reference", flush=True
            )
    print(f"truly {statistics.median(ratios):.3f}x (median of {LOADS} loads, {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
