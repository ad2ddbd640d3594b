"""A model's generation settings in effect are recorded; those that would break measuring are left out and reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from tests.conftest import TINY_FALCON, configuration, trial
from tests.models import write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "own", TINY_FALCON)


def load_with(folder: Path, **settings: Any) -> Loaded:
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return load(configuration(model={"source": "path", "path": str(folder)}), Devices.open())


def answer(loaded: Loaded, **asked: Any) -> Any:
    return measure(loaded, trial(**asked), lambda _tokens: None)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_return_sequences": 3, "do_sample": True},
        {"max_time": 1e-9},
        {"prompt_lookup_num_tokens": 4},
        {"return_dict_in_generate": True, "output_scores": True},
        {"num_beams": 3},
        {"stop_strings": ["a"]},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_setting_that_would_break_the_measuring_is_left_out_and_told(folder: Path, settings: Any) -> None:
    plain = answer(load_with(folder))
    loaded = load_with(folder, **settings)
    told = loaded.measurement["generation_settings_left_out"]
    assert told == {name: value for name, value in settings.items() if name != "do_sample"}
    measured = answer(loaded)
    assert measured["output_ids"] == plain["output_ids"]
    assert len(measured["itl_sec"]) == measured["output_tokens"] - 1


def test_what_the_models_own_file_adds_is_in_the_effective_settings(folder: Path) -> None:
    loaded = load_with(folder, no_repeat_ngram_size=2, temperature=0.6, top_p=0.9, min_p=0.1, eos_token_id=1)
    assert loaded.measurement["generation_settings_left_out"] == {}
    greedy = answer(loaded)["generation_settings"]
    assert greedy["no_repeat_ngram_size"] == 2
    assert greedy["max_new_tokens"] == 6
    assert not {"temperature", "top_p", "min_p"} & set(greedy)
    drawn = answer(loaded, sampling="sample", temperature=0.5, top_p=0.8)["generation_settings"]
    assert (drawn["do_sample"], drawn["temperature"], drawn["top_p"], drawn["min_p"]) == (True, 0.5, 0.8, 0.1)


def test_the_same_prompt_has_the_same_input_hash_and_another_one_another(folder: Path) -> None:
    loaded = load_with(folder)
    first, again = answer(loaded), answer(loaded)
    other = measure(loaded, trial("something else"), lambda _tokens: None)
    assert first["input_ids_sha256"] == again["input_ids_sha256"] != other["input_ids_sha256"]
