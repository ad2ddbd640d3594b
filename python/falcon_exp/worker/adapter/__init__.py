"""Adapters (LoRA) beside a model's weights: their folders, how one is put on a model, and what is read back from it."""
