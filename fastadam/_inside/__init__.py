"""Searches that compiled code calls."""
