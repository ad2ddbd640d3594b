"""Fetches a model's files from the hub, in a process of its own and before any clock runs."""
