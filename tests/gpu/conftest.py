"""Fixtures for tests on a real GPU."""

import pytest

from fastadam._numba import gpu as target


@pytest.fixture
def cuda():
    """Return numba.cuda, on a GPU."""
    try:
        found = target.load_cuda()
    except (ImportError, RuntimeError) as error:
        pytest.skip(str(error))
    if target.is_simulated():
        pytest.skip("the simulator is no GPU")
    return found
