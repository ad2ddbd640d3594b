"""falcon-exp's Python side.

``falcon_exp.worker`` loads and measures models; ``falcon_exp.results`` is what notebooks read results with.
"""

__version__ = "0.2.0"
