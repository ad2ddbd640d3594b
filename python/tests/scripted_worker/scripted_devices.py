"""Replaces the module that knows the machine's devices."""

from __future__ import annotations


class Devices:
    """No devices."""

    @staticmethod
    def open() -> Devices:
        """Like the real method."""
        return Devices()
