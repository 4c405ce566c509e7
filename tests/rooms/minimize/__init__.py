"""Tests of the inside of `fastadam._minimize`."""
