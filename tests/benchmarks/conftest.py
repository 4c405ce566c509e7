"""The benchmarks in a hurry: what they find is looked at, how long it takes is not."""

import pytest

from benchmarks import timing


@pytest.fixture
def hasty(monkeypatch):
    """Let a sample be one call, after one untimed call."""
    monkeypatch.setattr(timing, "SETTLE", 0.0)
    monkeypatch.setattr(timing, "MIN_SAMPLE", 0.0)
