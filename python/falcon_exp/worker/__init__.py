"""The managed worker: a supervisor that speaks ZeroMQ, a forkserver, one trial process per configuration."""
