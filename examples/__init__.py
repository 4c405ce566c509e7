"""Runnable examples, each started with ``python -m examples.NAME``."""
