"""Tests of the objective's room."""
