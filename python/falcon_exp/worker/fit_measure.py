"""``python -m falcon_exp.worker.fit_measure``: finds the longest context or largest batch that really fits a memory.

Each probe is a real load and a real ``generate`` of full size, in a trial process of its own whose memory is limited:
by the kernel on a CPU (``RLIMIT_DATA``), by PyTorch's allocator on a GPU. The request is one line of JSON on stdin:
``{"configuration", "search": "context" or "batch", "context", "batch", "least", "most", "guess", "memory_bytes"}``.
stdout has one JSON object per line: ``{"event": "probe", "value", "fits", "peak_bytes", "reason"}`` for each probe,
then ``{"event": "done", "largest", "largest_peak_bytes", "smallest_failed", "reason"}`` or ``{"event": "error", "code",
"message"}``.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from falcon_exp.worker.failures import WorkerError, error_body
from falcon_exp.worker.helper_process import say
from falcon_exp.worker.hub.snapshot import DEFAULT_REVISION, find_cached
from falcon_exp.worker.supervisor.child import as_exit

_PROMPT = "The ferry leaves at ten past six, when the harbour is still the colour of slate."
#: The last two tokens of a context are the answer.
_ANSWER = 2
#: Contexts are found to within this many tokens, or to within 2 %.
_CONTEXT_STEP = 16
_GROWTH = 1.5
#: Share of the machine's available memory that a probe may use: everything else has to keep running.
_MOST_OF_AVAILABLE = 0.9
#: With less room than this, the process could not even report that it is too little.
_LEAST_ROOM_BYTES = 32_000_000
#: A probe that reports no progress for this long is given up, and counts as one that does not fit.
_STANDSTILL_SEC = 900.0
#: How long a process may take to end after its connection is closed.
_END_SEC = 20.0
_OUT_OF_MEMORY = ("out-of-memory-device", "out-of-memory-host")


@dataclass(frozen=True)
class Probe:
    """Whether one size fits."""

    fits: bool
    #: The most that the process, or its allocator on a GPU, ever held; None if it did not get far enough to tell.
    peak_bytes: int | None
    reason: str | None


def find_largest(
    probe: Callable[[int], bool], *, least: int, most: int, guess: int, step: int
) -> tuple[int | None, int | None]:
    """(the largest value that fits, the smallest that was seen not to fit), by bisection, to within ``step`` or 2 %.

    ``probe`` is called with ``guess`` first, then outward until the answer changes. A value is None if there is none.
    """
    low: int | None = None
    high: int | None = None
    value = min(max(guess, least), most)
    while True:
        if probe(value):
            low = value
            if value == most:
                return low, high
        else:
            high = value
            if value == least:
                return low, high
        if low is not None and high is not None:
            if high - low <= max(step, low // 50 if step > 1 else 1):
                return low, high
            value = (low + high) // 2
        elif low is not None:
            value = min(most, max(low + step, int(low * _GROWTH)))
        else:
            value = max(least, min(value - step, int(value / _GROWTH)))


def hold_within(memory_bytes: int, device: str, file_bytes: int) -> None:
    """Limits the memory of a probe's process, so that too large a size makes it fail, and nothing else on the machine.

    Called before anything is loaded. ``file_bytes`` is the size of the weight files, which are mapped during the load.
    """
    # If the kernel has to kill a process all the same, it chooses this one.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    if device != "cpu":
        from falcon_exp.worker.devices.cuda import hold_card_within

        hold_card_within(int(device.partition(":")[2] or 0), memory_bytes)
        return
    if sys.platform != "linux":
        return
    import resource

    import torch

    # torch would wait forever for threads that cannot be started for lack of memory, so they are started first.
    torch.ones(512, 512).matmul(torch.ones(512, 512))
    own = psutil.Process().memory_info()
    # Memory that is reserved but never touched counts here and is not measured, so the limit allows a quarter more.
    room = min(1.25 * memory_bytes, own.rss + _MOST_OF_AVAILABLE * psutil.virtual_memory().available) - own.rss
    if room < _LEAST_ROOM_BYTES:
        raise WorkerError("out-of-memory-host", f"the process without a model takes {own.rss / 1e9:.2f} GB")
    # Mapped files count here as well, though the kernel can drop their pages at any time.
    limit = int(own.data + max(0.0, room) + file_bytes)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def find_file_bytes(model: dict[str, Any]) -> int:
    """The size of a model's weight files; 0 if none are on this machine."""
    model = model.get("base", model)
    if model["source"] == "hub":
        cached = find_cached(model["repo"], model["revision"] or DEFAULT_REVISION)
        folder = None if cached is None else cached.folder
    else:
        folder = Path(model["path"]) if model.get("path") else None
    if folder is None:
        return 0
    files = [folder] if folder.is_file() else folder.glob("*.safetensors")
    return sum(file.stat().st_size for file in files)


def serve_probe(connection: Connection, is_forked: bool, memory_bytes: int, device: str, file_bytes: int) -> None:
    """Main function of a trial process whose memory is limited."""
    from falcon_exp.worker.trial.child_main import trial

    try:
        hold_within(memory_bytes, device, file_bytes)
    except WorkerError as error:
        connection.send(("error", error_body(error, "load")))
        return
    trial(connection, is_forked)


class Prober:
    """Runs the probes of one request."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        device = request["configuration"]["device"]
        self._device = device
        self._file_bytes = find_file_bytes(request["configuration"]["model"])
        is_forking = device == "cpu" and "forkserver" in multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if is_forking else "spawn")
        self._is_forking = is_forking
        if is_forking:
            self._context.set_forkserver_preload(["falcon_exp.worker.trial.preload"])

    def probe(self, value: int) -> Probe:
        """Tries one value. Raises WorkerError for a failure that is not a lack of memory."""
        try:
            return self._probe(value)
        except WorkerError as error:
            if error.code != "fork-poisoned" or not self._is_forking:
                raise
        # As the supervisor does, starts this process and all later ones without forking.
        self._context, self._is_forking = multiprocessing.get_context("spawn"), False
        return self._probe(value)

    def _probe(self, value: int) -> Probe:
        context, batch = self._request["context"], self._request["batch"]
        if self._request["search"] == "context":
            context = value
        else:
            batch = value
        memory = int(self._request["memory_bytes"])
        ours, theirs = multiprocessing.Pipe()
        process = self._context.Process(
            target=serve_probe, args=(theirs, self._is_forking, memory, self._device, self._file_bytes), daemon=True
        )
        process.start()
        theirs.close()
        try:
            peak = self._run(ours, context, batch)
        except (EOFError, ConnectionError):
            process.join(_END_SEC)
            how = "" if process.exitcode is None else f" ({as_exit(process.exitcode)})"
            return Probe(False, None, f"the process was ended{how}")
        except TimeoutError as error:
            return Probe(False, None, str(error))
        except WorkerError as error:
            if error.code not in _OUT_OF_MEMORY:
                raise
            return Probe(False, None, error.message.partition("\n")[0][:200])
        finally:
            ours.close()
            process.join(_END_SEC)
            if process.is_alive():
                process.kill()
                process.join()
        if peak is not None and peak > memory:
            return Probe(False, peak, f"it took {peak / 1e9:.2f} GB")
        return Probe(True, peak, None)

    def _run(self, connection: Connection, context: int, batch: int) -> int | None:
        loaded = _ask(connection, "load", {"configuration": self._request["configuration"]})["measurement"]
        trial = {
            "trial_id": "fit",
            "phase": "measure",
            "prompt": _PROMPT,
            "further_prompts": [_PROMPT] * (batch - 1),
            "repeat": 0,
            "generation": _generation(context),
        }
        measured = _ask(connection, "generate", trial)["measurement"]
        _ask(connection, "unload", {})
        on_card = measured["peak_memory_reserved_bytes"]
        peaks = (loaded["load_peak_rss_bytes"], measured["peak_rss_bytes"]) if on_card is None else (on_card,)
        known = [int(peak) for peak in peaks if peak is not None]
        return max(known) if known else None


def _ask(connection: Connection, command: str, body: dict[str, Any]) -> dict[str, Any]:
    # A process that is gone may have said why before.
    with suppress(ConnectionError):
        connection.send((command, body))
    while True:
        if not connection.poll(_STANDSTILL_SEC):
            raise TimeoutError(f"nothing moved for {_STANDSTILL_SEC:.0f} s")
        kind, answer = connection.recv()
        if kind == "ok":
            return dict(answer)
        if kind == "error":
            raise WorkerError(answer["code"], answer["message"])
        if kind == "respawn":
            raise WorkerError("fork-poisoned", str(answer))


def _generation(context: int) -> dict[str, Any]:
    nothing = ("max_length", "temperature", "top_k", "top_p", "repetition_penalty")
    return {
        "max_new_tokens": _ANSWER,
        "min_new_tokens": _ANSWER,
        "prompt_tokens": context - _ANSWER,
        "sampling": "greedy",
        "seed": 0,
        "chat_template": "off",
        "truncate_prompts": "no",
        **dict.fromkeys(nothing),
    }


def measure_fit(request: dict[str, Any], probe: Callable[[int], Probe]) -> None:
    """Searches for the largest value and writes the events."""
    seen: dict[int, Probe] = {}

    def fits(value: int) -> bool:
        found = seen[value] = probe(value)
        say("probe", value=value, fits=found.fits, peak_bytes=found.peak_bytes, reason=found.reason)
        return found.fits

    step = _CONTEXT_STEP if request["search"] == "context" else 1
    largest, failed = find_largest(
        fits, least=request["least"], most=request["most"], guess=request["guess"], step=step
    )
    say(
        "done",
        largest=largest,
        largest_peak_bytes=None if largest is None else seen[largest].peak_bytes,
        smallest_failed=failed,
        reason=None if failed is None else seen[failed].reason,
    )


def main() -> int:
    """Returns 0 after ``done``, 1 after an ``error``."""
    request = json.loads(sys.stdin.readline())
    try:
        measure_fit(request, Prober(request).probe)
    except Exception as error:
        body = error_body(error, "measure")
        say("error", code=body["code"], message=body["message"])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
