"""The model's answers: untrusted text, passed on unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from falcon_exp.results.recorded import RunData
from falcon_exp.results.schema import Record


@dataclass(frozen=True)
class Answer:
    """One trial's answer. ``pandas.DataFrame(run.answers)`` makes a table of them, which shows markup as text."""

    prompt_id: str
    #: A conversation is written as a transcript.
    prompt: str
    #: The configuration's label.
    configuration: str
    is_reference: bool
    #: Counted from 0.
    repeat: int
    #: None if the trial failed.
    text: str | None
    output_tokens: int | None
    #: Code of the failure (docs/errors.md); None if there is an answer.
    failure_code: str | None
    #: Whether the tokens equal the reference's tokens for the same prompt and repeat; None for the reference itself,
    #: and if one of the two has no answer.
    same_as_reference: bool | None


def describe_prompt(prompt: str | list[Record]) -> str:
    """Returns a text unchanged, and a conversation as ``user: …`` and so on, as reports show it."""
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in prompt)


def answers_of(data: RunData) -> tuple[Answer, ...]:
    """All answers, prompt by prompt; within a prompt, configurations are in the order in which they ran."""
    prompts = {one["prompt_index"]: describe_prompt(one["prompt"]) for one in data.run["prompts"]}
    reference = {
        (configuration.plan["worker"]["id"], trial["prompt_index"], trial["repeat"]): _tokens_sha256(trial)
        for configuration in data.configurations
        if configuration.is_reference
        for trial in configuration.trials
    }

    def all_answers() -> Iterator[tuple[int, Answer]]:
        for configuration in data.configurations:
            compared = data.reference_id_of(configuration)
            for trial in configuration.trials:
                measurement = trial.get("measurement", {})
                own = _tokens_sha256(trial)
                its = reference.get((compared, trial["prompt_index"], trial["repeat"]))
                is_compared = not configuration.is_reference and own is not None and its is not None
                yield (
                    trial["prompt_index"],
                    Answer(
                        prompt_id=trial["prompt_id"],
                        prompt=prompts.get(trial["prompt_index"], ""),
                        configuration=configuration.label,
                        is_reference=configuration.is_reference,
                        repeat=trial["repeat"],
                        text=measurement.get("output_text"),
                        output_tokens=_count_tokens(measurement),
                        failure_code=trial["failure"]["code"] if trial["status"] == "failed" else None,
                        same_as_reference=own == its if is_compared else None,
                    ),
                )

    return tuple(answer for _, answer in sorted(all_answers(), key=lambda pair: pair[0]))


def _tokens_sha256(trial: Record) -> str | None:
    return str(trial["measurement"]["output_ids_sha256"]) if trial["status"] == "completed" else None


def _count_tokens(measurement: Record) -> int | None:
    """Counts the tokens of this answer alone: for a batch, ``output_tokens`` is the sum over all rows."""
    ids = measurement.get("output_ids")
    return measurement.get("output_tokens") if ids is None else len(ids)
