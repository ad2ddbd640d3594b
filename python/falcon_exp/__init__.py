"""falcon-exp's Python side: the worker that loads and measures models (``falcon_exp.worker``)."""

__version__ = "0.1.0"
