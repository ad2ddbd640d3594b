"""The cache and the compilation that result from a model's own generation settings are observed, not guessed."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import CompileConfig

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.trial.generation import measure
from falcon_exp.worker.trial.loading import Loaded, load
from tests.conftest import TINY_FALCON, configuration, trial

#: With a static cache, the library compiles Llama but not Falcon.
_LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": TINY_FALCON["vocab_size"],
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}


@pytest.fixture
def loaded() -> Loaded:
    model = {"source": "random", "config": _LLAMA, "seed": 7, "tokenizer": "bytes"}
    return load(configuration(model=model), Devices.open())


def _seen(loaded: Loaded) -> tuple[Any, Any]:
    proof = loaded.proof().body
    return proof["cache_implementation"], proof["compiled"]


def _generate(loaded: Loaded) -> None:
    measure(loaded, trial(), lambda _tokens: None)


def test_before_the_first_generate_nothing_is_said(loaded: Loaded) -> None:
    assert _seen(loaded) == (None, None)
    assert loaded.measurement["proof"]["compiled"] is None


def test_the_librarys_own_choice_is_a_growing_cache_without_compilation(loaded: Loaded) -> None:
    _generate(loaded)
    assert _seen(loaded) == ("DynamicCache", False)
    # No hook is left behind for later generates.
    assert len(loaded.model._forward_pre_hooks) == 0


def test_a_static_cache_that_the_model_asks_for_is_named(loaded: Loaded) -> None:
    loaded.model.generation_config.cache_implementation = "static"
    _generate(loaded)
    assert _seen(loaded) == ("StaticCache", False)


def test_a_model_that_is_compiled_because_its_cache_is_static_says_so(loaded: Loaded) -> None:
    settings = loaded.model.generation_config
    settings.cache_implementation = "static"
    # As on an accelerator, but with a backend that has nothing to build.
    settings.compile_config = CompileConfig(backend="eager", mode=None, fullgraph=False)
    settings.compile_config._compile_all_devices = True
    _generate(loaded)
    assert _seen(loaded) == ("StaticCache", True)


def test_a_model_that_keeps_no_cache_says_so(loaded: Loaded) -> None:
    loaded.model.generation_config.use_cache = False
    _generate(loaded)
    assert _seen(loaded) == ("none", False)


def test_an_offloaded_cache_is_not_taken_for_one_that_stays(loaded: Loaded) -> None:
    class Cache:
        offloading = True

    with loaded.facts.watch(loaded.model), pytest.raises(ValueError, match="input_ids"):
        loaded.model(input_ids=None, past_key_values=Cache())
    assert loaded.proof().body["cache_implementation"] == "Cache, offloaded"


def test_a_generate_that_fails_is_watched_again(loaded: Loaded) -> None:
    with pytest.raises(OSError, match="gone"), loaded.facts.watch(loaded.model):
        raise OSError("gone")
    _generate(loaded)
    assert _seen(loaded) == ("DynamicCache", False)
