"""Devices: which are asked what."""
