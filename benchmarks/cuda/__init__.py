"""The `cuda` suite: steps and fits on a GPU."""
