"""falcon-exp's Python side.

``falcon_exp.worker`` loads and measures models; notebooks read results with ``falcon_exp.results``.
"""

__version__ = "0.2.0"
