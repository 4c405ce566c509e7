"""Models fitted to curves by least squares: one curve by SciPy, many in compiled loops."""
