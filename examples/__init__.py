"""Runnable examples; each is a package started with ``python -m examples.NAME``."""
