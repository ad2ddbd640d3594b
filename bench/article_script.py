"""The article's loop as one would write it by hand: one process, three loads, five prompts, a clock.

The yardstick of `npm run bench:overhead`: it does the same work as `experiments/quant.yaml` (same prompts,
same warm-up, same greedy generation) with none of falcon-exp's isolation, supervision or records.
Prints one JSON object: {"trials": [{"quantization", "ended_sec", "elapsed_sec"}]}, warm-ups included, in seconds of
CLOCK_MONOTONIC.
"""

import argparse
import gc
import json
import logging
import time
from typing import Any

# Anyone who sees one line per layer and token turns it off; left on, it takes a few percent of the measured time.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

import torch  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig  # noqa: E402


def load(model_path: str, quantization: str) -> tuple[Any, Any]:
    """Returns the model and its tokenizer."""
    config = None
    if quantization == "int8":
        config = BitsAndBytesConfig(load_in_8bit=True)
    elif quantization == "fp4":
        config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model = AutoModelForCausalLM.from_pretrained(
        model_path, dtype=torch.bfloat16, device_map="auto", quantization_config=config
    )
    model.eval()
    return model, tokenizer


def generate(model: Any, tokenizer: Any, prompt: str, new_tokens: int) -> tuple[float, str]:
    """Returns the seconds taken and the answer."""
    started = time.perf_counter()
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    with torch.inference_mode():
        output = model.generate(**inputs, max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=False)
    elapsed_sec = time.perf_counter() - started
    return elapsed_sec, tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--plan", required=True, help='JSON: {"quantizations", "prompts", "new_tokens", "warmup"}')
    args = parser.parse_args()
    plan = json.loads(args.plan)
    trials = []
    for quantization in plan["quantizations"]:
        model, tokenizer = load(args.model, quantization)
        for prompt in [plan["prompts"][0]] * plan["warmup"] + plan["prompts"]:
            elapsed_sec, _ = generate(model, tokenizer, prompt, plan["new_tokens"])
            trials.append({"quantization": quantization, "ended_sec": time.perf_counter(), "elapsed_sec": elapsed_sec})
        del model, tokenizer
        gc.collect()
    print(json.dumps({"trials": trials}))


if __name__ == "__main__":
    main()
