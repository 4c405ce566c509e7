"""Parameter arrays on a GPU, and its driver."""
