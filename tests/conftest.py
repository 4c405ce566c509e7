"""Fixtures that several test files use."""

import signal

import numpy as np
import pytest

import fastadam

# What a shell starts in the background ignores Ctrl-C, and so do all whom it starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session):
    """Compile once what most tests need, before each process of pytest-xdist does so by itself.

    With no kernels on disk, that takes the second gear 16 s alone, and each of two at once 25 s.
    """
    option = session.config.getoption
    if option("numprocesses", 0) and not option("collectonly"):
        fastadam.minimize(np.sum, [1.0], options={"maxiter": 1})


def pytest_collection_modifyitems(items):
    """Have the examples of the docstrings be smoke tests."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker("smoke")


class Snapshot:
    """What must not change when something is refused: parameters, state, step count."""

    def __init__(self, optimizer, arrays):
        self._optimizer, self._arrays = optimizer, arrays
        self._before = self._read()

    def _read(self):
        state = {
            key: value.tobytes() if isinstance(value, np.ndarray) else value
            for key, value in self._optimizer.state_dict().items()
        }
        return [array.tobytes() for array in self._arrays], state, self._optimizer.lr

    def assert_unchanged(self):
        """Compare bit for bit."""
        assert self._read() == self._before


@pytest.fixture
def snapshot():
    """Return the class that remembers an optimiser and its parameters."""
    return Snapshot
