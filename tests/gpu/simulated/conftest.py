"""What the tests in the simulator share."""

import os

import pytest

if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1":
    collect_ignore_glob = ["*.py"]  # test_simulator.py runs them


@pytest.fixture
def gpu(monkeypatch):
    """Have the simulator in place of every GPU; return the first."""
    from tests.gpu.host import install
    from tests.gpu.simulated.device import SimulatedDevice

    return install(monkeypatch, SimulatedDevice)
