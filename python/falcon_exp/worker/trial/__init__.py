"""The trial process: loading, generation, quality, profiling. One process a load."""
