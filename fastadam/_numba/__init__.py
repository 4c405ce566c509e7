"""Everything that touches private parts of Numba and numba-cuda."""
