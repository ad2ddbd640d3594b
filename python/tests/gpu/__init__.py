"""What only a GPU can show (docs/gpu.md): ``python -m pytest -m gpu``. Skipped with a reason if there is none."""
