"""Tests of the worker, at its border where that can be."""
