"""How an answer is generated: texts and tokens that end it, the further keys of sampling, beams, prompt lookup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.trial.drafts import Drafts
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from falcon_exp.worker.trial.profiling import profile
from falcon_exp.worker.trial.prompts import admit_prompt
from falcon_exp.worker.trial.stop_strings import StopStrings
from tests.conftest import TINY_FALCON, configuration, generation, trial

#: The most likely token of such a small model is always the same, so answers that must differ are sampled.
DRAWN: Any = {"sampling": "sample", "temperature": 1.0, "min_new_tokens": None, "max_new_tokens": 24}


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(configuration(), Devices.open())


def _measure(loaded: Loaded, **changes: Any) -> Any:
    return measure(loaded, trial(**changes), lambda _tokens: None)


def _find_new_piece(pieces: list[str]) -> int:
    """Returns the index of a token whose text did not occur before it."""
    for index in range(2, len(pieces)):
        piece = pieces[index]
        if piece.isascii() and piece.strip() != "" and piece not in "".join(pieces[:index]):
            return index
    raise AssertionError(f"no token of its own in {pieces}")


def test_an_answer_ends_with_the_token_that_completes_a_text_of_stop(loaded: Loaded) -> None:
    whole = _measure(loaded, **DRAWN)
    at = _find_new_piece(whole["output_pieces"])
    stopped = _measure(loaded, **DRAWN, stop=["never said", whole["output_pieces"][at]])
    assert stopped["output_ids"] == whole["output_ids"][: at + 1]
    assert (stopped["output_tokens"], stopped["finish_reason"]) == (at + 1, "stop")
    assert len(stopped["itl_sec"]) == at
    assert stopped["output_text"].endswith(whole["output_pieces"][at])


def test_a_text_of_stop_that_the_prompt_holds_ends_nothing(loaded: Loaded) -> None:
    assert _measure(loaded, stop=["falcon"])["finish_reason"] == "length"


def test_each_row_of_a_batch_stops_by_itself(loaded: Loaded) -> None:
    asked: Any = {**trial(**DRAWN), "further_prompts": ["Another prompt"]}
    whole = measure(loaded, asked, lambda _tokens: None)
    pieces = whole["output_pieces"]
    at = _find_new_piece(pieces)
    asked["generation"]["stop"] = [pieces[at]]
    first, second = measure(loaded, asked, lambda _tokens: None)["rows"]
    assert (first["output_tokens"], first["finish_reason"]) == (at + 1, "stop")
    own = StopStrings(loaded.tokenizer, [pieces[at]]).find_end(whole["rows"][1]["output_ids"])
    assert second["output_tokens"] == (own or whole["rows"][1]["output_tokens"])


def test_a_text_that_several_tokens_make_is_found_where_it_is_complete(loaded: Loaded) -> None:
    ids = loaded.tokenizer("abcENDxEND").input_ids
    stops = StopStrings(loaded.tokenizer, ["END", "no"])
    assert stops.find_end(ids) == 6
    assert stops.find_end(ids[:5]) is None


def test_tokens_that_end_an_answer_take_the_place_of_the_models_own(loaded: Loaded) -> None:
    whole = _measure(loaded, **DRAWN)
    third = whole["output_ids"][2]
    ended = _measure(loaded, **DRAWN, eos_token_id=[383, third])
    assert ended["output_ids"] == whole["output_ids"][:3]
    assert ended["finish_reason"] == "eos"
    with pytest.raises(WorkerError, match="384") as caught:
        _measure(loaded, eos_token_id=[384])
    assert caught.value.code == "generation-invalid"


def test_the_keys_of_sampling_do_what_they_say(loaded: Loaded) -> None:
    greedy = _measure(loaded)
    drawn = {"sampling": "sample", "temperature": 5.0, "top_k": 0}
    assert _measure(loaded, **drawn)["output_ids"] != greedy["output_ids"]
    # With min_p 1, only tokens as likely as the most likely one are left.
    assert _measure(loaded, **drawn, min_p=1.0)["output_ids"] == greedy["output_ids"]
    assert _measure(loaded, **drawn, epsilon_cutoff=0.99)["output_ids"] == greedy["output_ids"]


def test_beams_find_what_the_library_finds_with_as_many(loaded: Loaded) -> None:
    measured = _measure(loaded, num_beams=3, repetition_penalty=1.5)
    inputs = loaded.tokenizer("What is a falcon?", return_tensors="pt")
    options = {"num_beams": 3, "do_sample": False, "min_new_tokens": 6, "max_new_tokens": 6, "repetition_penalty": 1.5}
    wanted = loaded.model.generate(**inputs, **options, pad_token_id=0)[0, inputs["input_ids"].shape[1] :]
    assert measured["output_ids"] == wanted.tolist()
    assert measured["output_ids"] != _measure(loaded, repetition_penalty=1.5)["output_ids"]
    assert len(measured["itl_sec"]) == 5


def test_prompt_lookup_says_the_same_in_fewer_passes_and_tells_what_was_accepted(loaded: Loaded) -> None:
    asked: Any = {"max_new_tokens": 20, "min_new_tokens": 20}
    plain = _measure(loaded, **asked)
    forwards: list[int] = []
    handle = loaded.model.register_forward_pre_hook(lambda *_: forwards.append(1))
    drafted = _measure(loaded, **asked, prompt_lookup_num_tokens=4)
    handle.remove()
    assert drafted["output_ids"] == plain["output_ids"]
    assert len(forwards) < 20
    # Each pass adds a token of its own to those that it accepts; one more pass checks whether the logits are finite.
    accepted = drafted["accepted_draft_share"] * drafted["drafted_tokens"]
    assert round(accepted) == 20 - (len(forwards) - 1)
    # Tokens are counted, not passes.
    assert (drafted["output_tokens"], len(drafted["itl_sec"])) == (20, 19)
    assert drafted["tpot_sec"] > 0
    assert plain["drafted_tokens"] is None


def _with_assistant(seed: int, **changes: Any) -> Loaded:
    loaded = load(configuration(dtype="float32"), Devices.open())
    config = {**TINY_FALCON, "num_hidden_layers": 1, **changes}
    source: Any = {"source": "random", "config": config, "seed": seed, "tokenizer": "bytes"}
    loaded.assistant.load(source, loaded, lambda *_: None)
    return loaded


def test_an_assistant_drafts_for_a_model_whose_growing_cache_was_asked_for() -> None:
    loaded = _with_assistant(9)
    asked: Any = {"max_new_tokens": 20, "min_new_tokens": 20, "cache": {"type": "dynamic"}}
    plain = _measure(loaded, **asked)
    drafted = _measure(loaded, **asked, assistant_model=loaded.assistant.source, num_assistant_tokens=3)
    assert drafted["output_ids"] == plain["output_ids"]
    assert drafted["drafted_tokens"] > 0


def test_an_assistant_drafts_what_the_model_checks_and_the_answer_stays_the_same() -> None:
    loaded = _with_assistant(9)
    asked: Any = {"max_new_tokens": 20, "min_new_tokens": 20}
    plain = _measure(loaded, **asked)
    drafted = _measure(loaded, **asked, assistant_model=loaded.assistant.source, num_assistant_tokens=3)
    assert drafted["output_ids"] == plain["output_ids"]
    assert drafted["drafted_tokens"] > 0
    assert 0 <= drafted["accepted_draft_share"] <= 1
    assert (drafted["output_tokens"], len(drafted["itl_sec"])) == (20, 19)
    proof = loaded.proof().body["assistant"]
    assert (proof["model_class"], proof["dtype"]) == ("FalconForCausalLM", "float32")
    assert proof["weights_bytes"] >= 4 * proof["parameters"]


def test_an_assistant_that_is_the_model_itself_is_right_every_time() -> None:
    loaded = load(configuration(dtype="float32"), Devices.open())
    source = configuration()["model"]
    loaded.assistant.load(source, loaded, lambda *_: None)
    drafted = _measure(loaded, max_new_tokens=20, assistant_model=source, num_assistant_tokens=3)
    assert drafted["accepted_draft_share"] > 0.8


def test_an_assistant_that_reads_other_tokens_is_refused() -> None:
    with pytest.raises(WorkerError, match="The assistant's vocabulary has 512 tokens, the model's 384") as caught:
        _with_assistant(9, vocab_size=512)
    assert caught.value.code == "assistant-mismatch"


class Letters:
    """A tokenizer that shows one letter per token, including special tokens."""

    chat_template = None
    pad_token_id = 0

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __call__(self, text: str, **options: Any) -> Any:
        return self._tokenizer(text, **options)

    def decode(self, ids: Any, **_options: Any) -> str:
        return "".join(chr(ord("a") + int(one) % 26) for one in ids)


def test_what_prompt_lookup_copied_behind_a_stop_is_no_answer(loaded: Loaded) -> None:
    lettered = replace(loaded, tokenizer=Letters(loaded.tokenizer))
    whole = _measure(lettered, max_new_tokens=20)
    asked: Any = {"max_new_tokens": 20, "stop": [whole["output_text"][:9]]}
    plain = _measure(lettered, **asked)
    drafted = _measure(lettered, **asked, prompt_lookup_num_tokens=8)
    assert plain["output_ids"] == whole["output_ids"][:9]
    assert drafted["output_ids"] == plain["output_ids"]
    assert (drafted["finish_reason"], plain["finish_reason"]) == ("stop", "stop")
    assert len(drafted["itl_sec"]) == 8
    # Tokens of the same pass come at the same time. Each pass gives one token that nobody drafted, but that of the last
    # one is behind the stop here.
    passes = 1 + sum(time > 0 for time in drafted["itl_sec"])
    accepted = round(drafted["accepted_draft_share"] * drafted["drafted_tokens"])
    assert accepted == 9 - passes + 1
    assert drafted["drafted_tokens"] > accepted


def test_drafts_are_compared_with_the_answer_and_count_up_to_its_end() -> None:
    drafts = Drafts()
    assert drafts.measurement(5, [1, 2]) == {"drafted_tokens": 0, "accepted_draft_share": None}
    drafts.add(5, torch.tensor([1, 2]))
    # The model put 9 where 3 was drafted; what follows is equal by chance.
    drafts.add(8, torch.tensor([4, 3, 5]))
    drafts.add(10, torch.tensor([], dtype=torch.int64))
    drafts.add(11, torch.tensor([6, 7, 8]))
    answer = [1, 2, 0, 4, 9, 5, 6, 7]
    assert drafts.measurement(5, answer) == {"drafted_tokens": 8, "accepted_draft_share": 5 / 8}
    assert drafts.measurement(5, answer[:7]) == {"drafted_tokens": 8, "accepted_draft_share": 4 / 8}


def test_drafts_do_not_keep_the_tokens_before_them_in_memory() -> None:
    drafts = Drafts()
    whole = torch.arange(1000)
    drafts.add(5, whole[5:7])
    whole[5] = 0
    assert drafts.measurement(5, [5, 6])["accepted_draft_share"] == 1


def test_prompt_lookup_reads_no_token_past_the_last_one_of_the_answer() -> None:
    """A model with a table of positions would end in an index error."""
    gpt2 = {"model_type": "gpt2", "vocab_size": 384, "n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 40}
    loaded = load(configuration(model={**configuration()["model"], "config": gpt2}, dtype="float32"), Devices.open())
    asked: Any = {"max_new_tokens": 22, "min_new_tokens": 22}
    plain = _measure(loaded, **asked)
    read: list[int] = []
    handle = loaded.model.register_forward_pre_hook(
        lambda _module, _inputs, options: read.append(options["input_ids"].shape[1]), with_kwargs=True
    )
    drafted = _measure(loaded, **asked, prompt_lookup_num_tokens=12)
    steps = profile(loaded, trial(**asked, prompt_lookup_num_tokens=12))["decode_steps"]
    handle.remove()
    assert plain["input_tokens"] + plain["output_tokens"] == 40
    assert drafted["output_ids"] == plain["output_ids"]
    assert drafted["drafted_tokens"] > 0
    assert 0 < steps < 22
    assert max(read) > 3


def test_an_assistant_does_not_change_where_a_prompt_is_cut() -> None:
    small = {**TINY_FALCON, "num_hidden_layers": 1, "max_position_embeddings": 32}
    loaded = load(configuration(dtype="float32"), Devices.open())
    source: Any = {"source": "random", "config": small, "seed": 2, "tokenizer": "bytes"}
    loaded.assistant.load(source, loaded, lambda *_: None)
    assert admit_prompt(loaded, "x" * 1000, generation(truncate_prompts="right")).input_tokens == 122
    with pytest.raises(WorkerError, match="122 tokens and 6 new ones exceed the assistant's context of 32") as caught:
        admit_prompt(loaded, "x" * 1000, generation(truncate_prompts="right", assistant_model=source))
    assert caught.value.code == "prompt-too-long"
    with pytest.raises(WorkerError, match="max_length is 64 tokens; the assistant's context is 32") as caught:
        admit_prompt(loaded, "hi", generation(max_new_tokens=None, max_length=64, assistant_model=source))
    assert caught.value.code == "generation-invalid"


def test_an_assistants_context_is_one_that_prompts_and_answers_keep_to() -> None:
    small = {"model_type": "gpt2", "vocab_size": 384, "n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 32}
    loaded = load(configuration(dtype="float32"), Devices.open())
    source: Any = {"source": "random", "config": small, "seed": 2, "tokenizer": "bytes"}
    loaded.assistant.load(source, loaded, lambda *_: None)
    asked: Any = {"max_new_tokens": 20, "min_new_tokens": 20}
    told = "18 tokens and 20 new ones exceed the assistant's context of 32"
    with pytest.raises(WorkerError, match=told) as caught:
        _measure(loaded, **asked, assistant_model=source, num_assistant_tokens=3)
    assert caught.value.code == "prompt-too-long"
    assert _measure(loaded, **asked)["output_tokens"] == 20
    within = _measure(loaded, max_new_tokens=14, min_new_tokens=14, assistant_model=source, num_assistant_tokens=3)
    assert within["output_tokens"] == 14


def test_a_model_that_takes_no_drafts_says_so_in_a_code_of_its_own() -> None:
    mamba = {"model_type": "mamba", "vocab_size": 384, "hidden_size": 32, "num_hidden_layers": 1, "state_size": 4}
    source: Any = {"source": "random", "config": mamba, "seed": 7, "tokenizer": "bytes"}
    loaded = load(configuration(model=source, dtype="float32"), Devices.open())
    with pytest.raises(WorkerError, match="prompt_lookup_num_tokens") as caught:
        _measure(loaded, prompt_lookup_num_tokens=4)
    assert caught.value.code == "generation-invalid"
    assert torch.is_inference_mode_enabled() is False
