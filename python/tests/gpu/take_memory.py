"""Takes a card's memory, all but ``leave_bytes``, says so in one line, and holds it until its stdin ends.

    python take_memory.py INDEX LEAVE_BYTES

Plain allocations, a gigabyte at a time: what another process would do that runs on the same card.
"""

from __future__ import annotations

import sys

_CHUNK_BYTES = 2**30


def main() -> None:
    import torch

    index, leave_bytes = int(sys.argv[1]), int(sys.argv[2])
    held = []
    while (room := torch.cuda.mem_get_info(index)[0] - leave_bytes) > 2**21:
        held.append(torch.empty(min(room, _CHUNK_BYTES), dtype=torch.uint8, device=f"cuda:{index}"))
    print(f"holding {sum(tensor.numel() for tensor in held)} bytes", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
