"""Checks `batch_tokens_per_sec` against a plain loop over the same batch, in pairs that take turns on one loaded model.

    PYTHONPATH=python .cache/dev-python/bin/python bench/batch_rate.py --model FOLDER --batch 8 --pairs 10

The loop uses nothing of falcon-exp: the tokenizer pads on the left, a plain forward pass gets a mask and positions made
by hand, each row takes its most likely token, and the time is taken from the end of the first step to the end of the
last. It shares with the measured side only the model object, the prompts and the number of new tokens. Both sides must
give the same tokens.
"""

import argparse
import math
import sys
import time
from typing import Any

from paired_rates import compare_rates, load_unquantized

PROMPTS = [
    "Name three measures by which a small harbour town could have fewer cars in its streets in summer.",
    "Explain to a ten-year-old why bread dough rises.",
    "Write a short, friendly letter to a neighbour who plays the trumpet late at night.",
    "What is the difference between a solar and a lunar eclipse?",
    "Turn this into a list sorted by shop - nails, two lemons, a light bulb, oat milk, sandpaper, basil.",
    "Why are there two high tides a day?",
    "Give a recipe for lentil soup with at most six ingredients.",
    "Describe, in four sentences, a library in which all the books are blank.",
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--dtype", default="float32")
    args = parser.parse_args()

    from falcon_exp.worker.trial.generation import measure

    generation = {
        "max_new_tokens": args.new_tokens,
        "max_length": None,
        "min_new_tokens": args.new_tokens,
        "sampling": "greedy",
        "seed": 0,
        "temperature": None,
        "top_k": None,
        "top_p": None,
        "repetition_penalty": None,
        "chat_template": "on",
        "truncate_prompts": "no",
    }
    loaded = load_unquantized(args.model, args.dtype)
    prompts = [PROMPTS[row % len(PROMPTS)] for row in range(args.batch)]
    request: Any = {"prompt": prompts[0], "further_prompts": prompts[1:], "repeat": 0, "generation": generation}

    def product() -> tuple[float, list[list[int]]]:
        measured = measure(loaded, request, lambda _tokens: None)
        rows = measured["rows"] or [measured]
        rate: float = measured["batch_tokens_per_sec"]
        return rate, [row["output_ids"] for row in rows]

    def plain() -> tuple[float, list[list[int]]]:
        return plain_loop(loaded.model, loaded.tokenizer, prompts, args.new_tokens)

    product()
    if plain()[1] != product()[1]:
        sys.exit("The two sides gave other tokens: nothing is compared.")
    print(f"batch {args.batch}: {compare_rates(product, plain, args.pairs)}")


def plain_loop(model: Any, tokenizer: Any, prompts: list[str], new_tokens: int) -> tuple[float, list[list[int]]]:
    """Returns (tokens per second of all rows together, after each row's first token; new tokens of each row)."""
    import torch

    tokenizer.padding_side = "left"
    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False)
        for prompt in prompts
    ]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    mask = inputs["attention_mask"]
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    times, answers, cache = [], [], None
    with torch.inference_mode():
        ids, positions = inputs["input_ids"], (mask.cumsum(-1) - 1).clamp(min=0)
        for _ in range(new_tokens):
            out = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = out.past_key_values
            logits = out.logits[:, -1].float()
            # The same as min_new_tokens does.
            logits[:, ends] = -math.inf
            ids = logits.argmax(-1, keepdim=True)
            answers.append(ids)
            mask = torch.cat([mask, mask.new_ones(mask.shape[0], 1)], dim=1)
            positions = positions[:, -1:] + 1
            ids[0, 0].item()
            times.append(time.perf_counter())
    rate = len(prompts) * (new_tokens - 1) / (times[-1] - times[0])
    made: list[list[int]] = torch.cat(answers, dim=1).tolist()
    return rate, made


if __name__ == "__main__":
    main()
