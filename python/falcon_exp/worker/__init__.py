"""The managed worker: a supervisor that speaks ZeroMQ, a forkserver, and one trial process per configuration."""
