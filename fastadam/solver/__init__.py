"""The minimiser's loop, for functions in Python and for compiled ones."""
