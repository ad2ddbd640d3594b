"""Quantization: from the experiment to the library."""
