"""What fastadam uses of Numba's private parts, one by one: what a new version has to keep."""
