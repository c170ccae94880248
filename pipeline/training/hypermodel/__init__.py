"""KerasTuner HyperModels: imported, read as a space, and trained. Here alone a Python file of the user runs."""
