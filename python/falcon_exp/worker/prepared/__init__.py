"""Models that are made of files once, before any load: a merged adapter, an expanded GGUF file.

What is made is a folder of safetensors like every other, in the cache: a load of it is measured as any load is, and any
quantization can be asked for.
"""
