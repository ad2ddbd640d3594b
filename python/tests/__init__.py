"""Tests of the worker, through its external interface where possible."""
