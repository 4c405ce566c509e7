"""Kernels and threads."""
