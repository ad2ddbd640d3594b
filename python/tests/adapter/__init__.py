"""Tests of adapters that are loaded beside a model's weights."""
