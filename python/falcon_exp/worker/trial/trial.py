"""The trial process: loads one configuration, generates and ends. Memory is never fully released within one process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError, error_body
from falcon_exp.worker.trial.cache_kinds import refuse_unavailable_cache
from falcon_exp.worker.trial.compilation import refuse_uncompilable
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.library_warnings import collect_library_warnings
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.profiling import profile
from falcon_exp.worker.trial.progress import LoadProgress, TokenProgress
from falcon_exp.worker.trial.prompts import admit_prompt
from falcon_exp.worker.trial.quality import measure_quality
from falcon_exp.worker.wire_types import CheckPromptBody, GenerateBody, LmEvalBody, LoadBody, ProfileBody, QualityBody

if TYPE_CHECKING:
    from typing_extensions import NotRequired

#: A trial in which something was compiled is measured again; if that happens in every try, it cannot be measured.
MOST_COMPILED_TRIES = 3


class _LoadCommand(LoadBody):
    #: A supervisor passes this on from one load to the next; a caller that loads only once sends nothing.
    remembered: NotRequired[dict[str, Any]]


class TrialProcess:
    """States: empty → loaded (by ``load``) → ended (by ``unload`` or end of file)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._notices = collect_library_warnings()
        self._devices = Devices.open()
        self._loaded: Loaded | None = None
        #: Whether the proof has been verified since the model first ran.
        self._is_verified_running = False

    def serve(self) -> None:
        """Answers commands ``(type, body)``, each with any number of progress and notice messages, then ok or error."""
        while True:
            try:
                command, body = self._connection.recv()
            except EOFError:
                return
            if command == "load":
                self._answer("load", partial(self._load, body))
            elif command == "check_prompt":
                self._answer("load", partial(self._check_prompt, body))
            elif command == "generate":
                self._answer(body["phase"], partial(self._generate, body))
            elif command == "profile":
                self._answer("profile", partial(self._profile, body))
            elif command == "quality":
                self._answer("quality", partial(self._quality, body))
            elif command == "lm_eval":
                self._answer("quality", partial(self._lm_eval, body))
            else:
                self._answer("unload", self._unload)
                return

    def _answer(self, phase: str, work: Callable[[], dict[str, Any]]) -> None:
        try:
            answer = ("ok", work())
        except Exception as error:
            answer = ("error", error_body(error, phase))
        self._connection.send(answer)

    def _report(self, phase: str) -> Callable[[str, int | None], None]:
        def report(detail: str, tokens: int | None) -> None:
            self._connection.send(("progress", {"phase": phase, "detail": detail, "output_tokens": tokens}))

        return report

    def _load(self, body: _LoadCommand) -> dict[str, Any]:
        if self._loaded is not None:
            raise WorkerError("worker-exception", "This process already holds a model.")
        report = self._report("load")
        report("loading", None)
        with LoadProgress(report, self._devices.read_allocated_bytes):
            remembered = dict(body.get("remembered", {}))
            self._loaded = load(body["configuration"], self._devices, report, remembered)
        return {"measurement": self._loaded.measurement, "remembered": remembered}

    def _model(self) -> Loaded:
        if self._loaded is None:
            raise WorkerError("no-trial-process", "No configuration is loaded.")
        return self._loaded

    def _check_prompt(self, body: CheckPromptBody) -> dict[str, Any]:
        loaded, generation = self._model(), body["generation"]
        refuse_unavailable_cache(loaded.model, generation.get("cache"))
        refuse_uncompilable(loaded.model, generation.get("compile"))
        loaded.assistant.load(generation.get("assistant_model"), loaded, self._report("load"))
        return {"measurement": admit_prompt(loaded, body["prompt"], generation).measurement()}

    def _generate(self, body: GenerateBody) -> dict[str, Any]:
        on_token = TokenProgress(self._report(body["phase"]), "generating")
        loaded = self._model()
        measured = _measure_uncompiled(loaded, body, on_token)
        if not self._is_verified_running:
            # After the first forward pass and outside every clock; if it fails, it fails for each trial.
            loaded.verify_running()
            self._is_verified_running = True
        return {"measurement": measured}

    def _profile(self, body: ProfileBody) -> dict[str, Any]:
        self._report("profile")("timing the linear layers", None)
        return {"measurement": profile(self._model(), body)}

    def _quality(self, body: QualityBody) -> dict[str, Any]:
        report = self._report("quality")

        def on_window(over: int, windows: int) -> None:
            report(f"{body['text_id']}: window {over} of {windows}", None)

        return {"measurement": measure_quality(self._model(), body, on_window)}

    def _lm_eval(self, body: LmEvalBody) -> dict[str, Any]:
        from falcon_exp.worker.trial.lm_eval_tasks import run_tasks

        loaded = self._model()
        on_request = TokenProgress(self._report("quality"), "lm-eval")
        return {"measurement": run_tasks(loaded, body, on_request)}

    def _unload(self) -> dict[str, Any]:
        proof = None if self._loaded is None else self._loaded.proof().body
        for notice in self._notices.listed():
            self._connection.send(("notice", notice))
        return {"proof_after": proof}


def _measure_uncompiled(loaded: Loaded, body: GenerateBody, on_token: Callable[[int], None]) -> dict[str, Any]:
    """Returns a measurement during which nothing was compiled, except in a warm-up, which is there for compiling.

    Raises WorkerError ``compile-unsettled`` if something was compiled in every try.
    """
    recompilations = 0
    for _ in range(MOST_COMPILED_TRIES):
        measured = measure(loaded, body, on_token)
        compilations = measured["compilations"]
        if body["phase"] == "warmup" or not compilations:
            is_counted = compilations is not None and body["phase"] == "measure"
            return {**measured, "recompilations": recompilations if is_counted else None}
        recompilations += compilations
    raise WorkerError(
        "compile-unsettled",
        f"Something was compiled in each of {MOST_COMPILED_TRIES} tries of this trial, {recompilations} times in all.",
    )
