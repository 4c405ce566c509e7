"""Tests of `curve_fit`, and what they share."""
