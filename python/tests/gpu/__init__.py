"""What only a GPU can show (docs/gpu.md): ``python -m pytest -m gpu``. Skipped with its reason where there is none."""
