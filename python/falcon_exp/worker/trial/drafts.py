"""How many tokens prompt lookup or an assistant drafted, and how many of them became part of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

#: The measurement of a ``generate`` without drafts.
NO_DRAFTS: dict[str, Any] = {"drafted_tokens": None, "accepted_draft_share": None}


class Drafts:
    """The drafts of one ``generate``, in the order in which the model checked them."""

    def __init__(self) -> None:
        self._drafts: list[tuple[int, Any]] = []

    def add(self, tokens_before: int, draft: Any) -> None:
        """Takes a tensor of tokens that were drafted to follow ``tokens_before`` tokens of prompt and answer.

        They are read after the clock has stopped, since reading makes an accelerator wait. They are copied, because the
        tensor may be a view that would keep the whole sequence in memory.
        """
        if len(draft) > 0:
            self._drafts.append((tokens_before, draft.clone()))

    def measurement(self, input_tokens: int, answer: Sequence[int]) -> dict[str, Any]:
        """Returns two keys of ``trialMeasurementSchema``. Drafts beyond the end of ``answer`` do not count as accepted.

        The library's own count is not used: it takes one off where an answer ends within a draft, and knows nothing of
        texts that end an answer.
        """
        drafted = sum(len(draft) for _, draft in self._drafts)
        accepted = sum(_count_equal(draft.tolist(), answer[before - input_tokens :]) for before, draft in self._drafts)
        return {"drafted_tokens": drafted, "accepted_draft_share": accepted / drafted if drafted > 0 else None}


def _count_equal(draft: Sequence[int], kept: Sequence[int]) -> int:
    """Returns how many of the draft's first tokens are those that the answer has there.

    The model never puts the drafted token where it disagrees, so no further one is equal by chance.
    """
    equal = 0
    for drafted, own in zip(draft, kept, strict=False):
        if drafted != own:
            break
        equal += 1
    return equal


def expect_drafts(settings: Any, assistant_options: Mapping[str, Any]) -> Drafts | None:
    """Returns what takes the drafts of one ``generate``; None if nothing is going to be drafted."""
    return Drafts() if settings.prompt_lookup_num_tokens is not None or assistant_options else None


@contextmanager
def collect_drafts(model: Any, drafts: Drafts | None) -> Iterator[None]:
    """Collects drafts while entered; with None, leaves the model as it is.

    Transformers tells nobody what was drafted (``GenerationMixin._assisted_decoding``, transformers 5.23), so the
    method of the generator of drafts is wrapped. A draft is cut where only one token is left for the model itself, as
    the library does for assistants: prompt lookup would go on past the context.
    """
    if drafts is None:
        yield
        return
    make = model._get_candidate_generator

    def make_watched(*, generation_config: Any, **options: Any) -> Any:
        generator = make(generation_config=generation_config, **options)
        draft = generator.get_candidates

        def get_candidates(input_ids: Any, **more: Any) -> Any:
            ids, logits = draft(input_ids, **more)
            before = input_ids.shape[1]
            most = max(0, generation_config.max_length - before - 1)
            ids, logits = ids[:, : before + most], None if logits is None else logits[:, :most]
            drafts.add(before, ids[0, before:])
            return ids, logits

        generator.get_candidates = get_candidates
        return generator

    model._get_candidate_generator = make_watched
    try:
        yield
    finally:
        del model._get_candidate_generator
