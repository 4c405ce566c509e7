"""Tests of what `fastadam._minimize` is made of."""
