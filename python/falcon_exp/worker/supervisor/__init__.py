"""Sockets, heartbeats, the launcher and the parent watch: the part of the worker that never computes."""
