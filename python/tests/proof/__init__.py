"""Tests of the proof of what ran."""
