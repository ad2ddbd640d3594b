"""The trial process: loading, generation, quality, profiling. One process per load."""
