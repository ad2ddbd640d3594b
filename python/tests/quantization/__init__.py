"""Tests of quantization, from the experiment to the library."""
