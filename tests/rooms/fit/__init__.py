"""Tests of the room that fits curves."""
