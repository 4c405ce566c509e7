"""Tests of the `fit` suite."""
