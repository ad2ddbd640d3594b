"""Tools for the project's developers; nothing here is installed."""
