"""The Transformers class that a model is loaded with, and which models are refused: those that do not continue text."""

from __future__ import annotations

from typing import Any

from falcon_exp.worker.failures import WorkerError

#: Endings of Transformers classes that have something else in place of the output head.
_JUDGES = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice")


def auto_class_of(config: Any) -> Any:
    """``AutoModelForCausalLM``; for a model that also takes pictures, the class whose text part answers without any.

    Raises WorkerError ``model-kind-unsupported``.
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    name = str(getattr(config, "model_type", None) or type(config).__name__)
    if getattr(config, "is_encoder_decoder", False):
        raise _unsupported(
            f"{name} is an encoder–decoder: it writes a new text instead of continuing the one it reads."
        )
    judge = next((one for one in getattr(config, "architectures", None) or () if str(one).endswith(_JUDGES)), None)
    if judge is not None:
        raise _unsupported(f"{judge} classifies text and does not continue it: its files have no output head for that.")
    # Code that comes with the model says itself which class to use.
    if "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {}):
        return AutoModelForCausalLM
    if type(config) in AutoModelForCausalLM._model_mapping:
        if name in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", True):
            raise _unsupported(f"{name} is an encoder: it fills gaps in a text and does not continue it.")
        return AutoModelForCausalLM
    if type(config) in AutoModelForImageTextToText._model_mapping:
        return AutoModelForImageTextToText
    raise _unsupported(f"{name} has no class in this Transformers that continues text.")


def _unsupported(message: str) -> WorkerError:
    return WorkerError("model-kind-unsupported", message)
