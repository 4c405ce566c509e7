"""SciPy's contract for one problem."""
