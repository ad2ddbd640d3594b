"""Sockets, heartbeats, the launcher and the parent watch: everything that never computes."""
