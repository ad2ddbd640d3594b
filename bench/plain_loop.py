"""The article's loop, one generate at a time: the yardstick of `npm run bench:overhead`'s paired generates.

Loads and generates exactly as article_script.py does, with nothing of falcon-exp. Reads one JSON command per line:
{"do": "load", "quantization"} or {"do": "generate", "prompt", "new_tokens"}; answers each with one line of JSON. The
first line, before any command, is {"threads"}; a generate's times are seconds of CLOCK_MONOTONIC. Exits when its stdin
ends.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
import time

from article_script import generate, load

# A stopped process does not see the end of its stdin, so if the bench is killed, the kernel ends this process (Linux).
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    args = parser.parse_args()
    # Whatever a library prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(**fields: object) -> None:
        answers.write(json.dumps(fields) + "\n")

    import torch

    answer(threads=torch.get_num_threads())
    model = tokenizer = None
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "load":
            model, tokenizer = load(args.model, command["quantization"])
            answer(loaded=True)
        else:
            elapsed_sec, text = generate(model, tokenizer, command["prompt"], command["new_tokens"])
            ended_sec = time.perf_counter()
            answer(started_sec=ended_sec - elapsed_sec, ended_sec=ended_sec, text=text)


if __name__ == "__main__":
    main()
