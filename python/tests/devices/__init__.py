"""Tests of devices: which of them are asked, and what for."""
