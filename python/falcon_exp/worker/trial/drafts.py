"""How many tokens prompt lookup or an assistant drafted, and how many of them the model accepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: The measurement of a ``generate`` without drafts.
NO_DRAFTS: dict[str, Any] = {"drafted_tokens": None, "accepted_draft_share": None}


class DraftCount:
    """The drafted and the accepted tokens of one ``generate``."""

    def __init__(self) -> None:
        self.drafted = 0
        self.accepted = 0

    def measurement(self) -> dict[str, Any]:
        """Returns two keys of ``trialMeasurementSchema``."""
        return {
            "drafted_tokens": self.drafted,
            "accepted_draft_share": self.accepted / self.drafted if self.drafted > 0 else None,
        }


@contextmanager
def count_drafts(model: Any, is_drafting: bool) -> Iterator[DraftCount | None]:
    """Counts drafts while entered; if nothing is drafted, yields None and leaves the model as it is.

    Transformers tells only the generator of drafts how many tokens were accepted
    (``GenerationMixin._assisted_decoding``, transformers 5.23), so that generator's methods are wrapped.
    """
    if not is_drafting:
        yield None
        return
    count = DraftCount()
    make = model._get_candidate_generator

    def make_counted(*arguments: Any, **options: Any) -> Any:
        generator = make(*arguments, **options)
        draft, update = generator.get_candidates, generator.update_candidate_strategy

        def get_candidates(input_ids: Any, **more: Any) -> Any:
            drafted = draft(input_ids, **more)
            count.drafted += int(drafted[0].shape[1] - input_ids.shape[1])
            return drafted

        def update_candidate_strategy(input_ids: Any, scores: Any, num_matches: Any) -> Any:
            count.accepted += int(num_matches)
            return update(input_ids, scores, num_matches)

        generator.get_candidates = get_candidates
        generator.update_candidate_strategy = update_candidate_strategy
        return generator

    model._get_candidate_generator = make_counted
    try:
        yield count
    finally:
        del model._get_candidate_generator
