"""The tests in `tests/gpu/simulated`, in a process that has the simulator in place of CUDA."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_what_the_simulator_runs():
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, str(Path("tests", "gpu", "simulated"))],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
