"""The fence around Numba."""
