"""Measures what scoring a text costs compared with a bare loop that reads it, in pairs on one loaded model.

    PYTHONPATH=python .cache/dev-python/bin/python bench/quality_rate.py --model FOLDER --pairs 6

The bare loop uses nothing of falcon-exp: it has as many windows in each forward pass, computes only the logits of the
scored half, and takes the negative log-likelihood of the text's tokens in float32. The measured side is the whole
`quality` of a text without a reference, as in a configuration: it cuts the windows, computes in float64 and keeps every
token's figure. Both must agree.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from paired_rates import compare_rates, load_unquantized

TEXT = Path(__file__).parent.parent / "texts" / "english.txt"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--max-tokens", type=int, default=4096)
    parser.add_argument("--dtype", default="bfloat16")
    args = parser.parse_args()

    import torch

    from falcon_exp.worker.trial.quality import measure_quality

    loaded = load_unquantized(args.model, args.dtype)
    text = TEXT.read_text("utf-8")
    request: Any = {
        "text_id": "english",
        "text": text,
        "context": args.context,
        "max_tokens": args.max_tokens,
        "logprobs": {"mode": "none"},
    }
    rows = 0

    def product() -> tuple[float, float]:
        nonlocal rows
        started = time.perf_counter()
        measured = measure_quality(loaded, request, lambda *_: None)
        rows = measured["windows_at_once"]
        return 1 / (time.perf_counter() - started), statistics.fmean(measured["token_nll"])

    def plain() -> tuple[float, float]:
        started = time.perf_counter()
        ids = loaded.tokenizer(text, return_tensors="pt")["input_ids"][0, : args.max_tokens]
        windows = ids[: len(ids) // args.context * args.context].reshape(-1, args.context)
        scored = args.context - args.context // 2 - 1
        nlls = []
        with torch.inference_mode():
            for some in windows.split(rows):
                logits = loaded.model(input_ids=some, use_cache=False, logits_to_keep=scored + 1).logits[:, :-1]
                logprobs = torch.log_softmax(logits.float(), dim=-1)
                nlls.append(-logprobs.gather(-1, some[:, -scored:, None])[..., 0])
        mean = float(torch.cat(nlls).mean())
        return 1 / (time.perf_counter() - started), mean

    product()
    nll, bare = product()[1], plain()[1]
    if abs(nll - bare) > 1e-3 * bare:
        sys.exit(f"The two sides do not agree: {nll} and {bare}.")
    print(f"{rows} windows of {args.context} at once: {compare_rates(product, plain, args.pairs)}")


if __name__ == "__main__":
    main()
