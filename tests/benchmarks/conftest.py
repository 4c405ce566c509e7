"""The benchmarks in a hurry: what they find is looked at, how long it takes is not."""

import numba
import pytest
from threadpoolctl import threadpool_limits

from benchmarks.harness import timing


@pytest.fixture
def hasty(monkeypatch):
    """Let a sample be one call, after one untimed call."""
    monkeypatch.setattr(timing, "SETTLE", 0.0)
    monkeypatch.setattr(timing, "MIN_SAMPLE", 0.0)


@pytest.fixture
def one_thread():
    """Keep all pools to one thread: on a busy machine waiting for a second takes milliseconds."""
    try:
        import torch
    except ImportError:
        torch = None
    threads = numba.get_num_threads(), torch and torch.get_num_threads()
    numba.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    numba.set_num_threads(threads[0])
    if torch:
        torch.set_num_threads(threads[1])
