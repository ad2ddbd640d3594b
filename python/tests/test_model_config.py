"""Configs from mappings in which floats have lost their decimal point."""

from __future__ import annotations

from typing import Any

import pytest

from falcon_exp.worker.failures import WorkerError
from falcon_exp.worker.model_config import config_from_mapping


@pytest.mark.parametrize(
    ("given", "path", "value"),
    [
        ({"model_type": "gemma2", "final_logit_softcapping": 30}, ("final_logit_softcapping",), 30.0),
        (
            {"model_type": "gemma3n_text", "num_hidden_layers": 2, "activation_sparsity_pattern": [0, 0]},
            ("activation_sparsity_pattern",),
            [0.0, 0.0],
        ),
        ({"model_type": "mixtral", "router_jitter_noise": 0}, ("router_jitter_noise",), 0.0),
        (
            {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "rms_norm_eps": 1}},
            ("text_config", "rms_norm_eps"),
            1.0,
        ),
    ],
)
def test_an_integer_is_a_float_where_the_library_takes_floats_alone(
    given: dict[str, Any], path: tuple[str, ...], value: object
) -> None:
    found: Any = config_from_mapping(given)
    for name in path:
        found = getattr(found, name)
    assert found == value
    assert all(type(one) is float for one in (found if isinstance(found, list) else [found]))


def test_integers_stay_integers() -> None:
    config = config_from_mapping({"model_type": "llama", "hidden_size": 128, "attention_dropout": 0})
    assert type(config.hidden_size) is int
    assert type(config.attention_dropout) is int


def test_what_was_written_as_a_float_is_one_also_where_the_library_takes_both() -> None:
    given = {
        "model_type": "llama",
        "attention_dropout": 0,
        "rope_parameters": {"rope_type": "linear", "factor": 8, "rope_theta": 10000},
    }
    config = config_from_mapping(given, [["attention_dropout"], ["rope_parameters", "factor"]])
    assert type(config.attention_dropout) is float
    assert type(config.rope_parameters["factor"]) is float
    assert type(config.rope_parameters["rope_theta"]) is int
    assert type(given["attention_dropout"]) is int


@pytest.mark.parametrize("given", [{}, {"model_type": "no-such-family"}, {"model_type": None}])
def test_an_unknown_family_is_refused_in_words(given: dict[str, Any]) -> None:
    with pytest.raises(WorkerError, match="does not know model_type") as raised:
        config_from_mapping(given)
    assert raised.value.code == "model-architecture-unknown"
