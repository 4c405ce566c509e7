"""Rows of a batch for other processes and machines."""
