"""Models that are made from other files once, before any load: a merged adapter, an expanded GGUF file.

The result is an ordinary folder of safetensors in the cache: loading it is measured like any other load, and any
quantization can be asked for.
"""
