"""The whole `cuda` suite in numba-cuda's simulator, tiny; run in a process of its own."""

import json
from collections import Counter

import numpy as np
import pytest

from benchmarks.cuda import agreement as cuda_agreement
from benchmarks.cuda import contenders as cuda_peers
from benchmarks.cuda import fits as cuda_fits
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda import suite as cuda
from benchmarks.cuda.device import Gpu, copy_function
from benchmarks.harness.report import Options
from benchmarks.harness.timing import Effort
from fastadam._numba import gpu as target
from tests.benchmarks.cuda.stand_in import HASTY, StandIn
from tests.gpu.host import HostArray, install
from tests.gpu.simulated.device import SimulatedDevice


class Sliced(HostArray):
    """An array that can be sliced as one of Numba's."""

    def __len__(self):
        return len(self.array)

    def __getitem__(self, stretch):
        return Sliced(self.array[stretch])


class SimulatedArrays:
    """Arrays that fastadam takes for a GPU's."""

    def send(self, array):
        return Sliced(array.copy())

    def empty(self, size):
        return Sliced(np.full(size, np.nan, np.float32))

    def assign(self, to, source):
        to.array[...] = source.array

    def fetch(self, array):
        return array.array.copy()


class SimulatedGpu(StandIn):
    """The simulator, with the host's clock in place of events."""

    def __init__(self):
        super().__init__(SimulatedArrays())

    def copying_kernel(self):
        cuda, kernel = target.load_compiler(), target.compile_gpu_kernel(*copy_function())

        def run(to, source):
            there = cuda.to_device(to.array)
            kernel[2, 2](there, cuda.to_device(source.array))
            to.array[...] = there.copy_to_host()

        return run


def main():
    """Print what the suite found, as JSON."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch, SimulatedDevice)
        for module, name, value in (
            (cuda_peers, "PERIOD", 7),
            (cuda_peers, "COPIED", 10),
            (cuda_steps, "QUICK_SIZES", (11,)),
            (cuda_steps, "SMALL", 3),
            (cuda_steps, "QUICK_LARGE_EFFORT", HASTY),
            (cuda_steps, "QUICK_SMALL_EFFORT", HASTY),
            (cuda_agreement, "PARAMETERS", 5),
            (cuda_agreement, "QUICK_STEPS", 4),
            (cuda_agreement, "GRADIENTS", 3),
            (cuda_fits, "QUICK_CURVES", 8),
            (cuda_fits, "QUICK_SAMPLE", 3),
            (cuda_fits, "Effort", lambda **_: Effort(rounds=1, samples=1, budget=0.0)),
        ):
            monkeypatch.setattr(module, name, value)
        result = cuda.measure(SimulatedGpu(), Options(quick=True))
    print(
        json.dumps(
            {
                "rows": Counter(f"{row.contender}: {row.status}" for row in result.rows),
                "reached": {verdict.what: verdict.reached for verdict in result.verdicts},
                "notes": [verdict.note for verdict in result.verdicts],
                "refused": refused(),
            }
        )
    )


def refused():
    """Return why the simulator itself is not measured."""
    try:
        Gpu()
    except RuntimeError as error:
        return str(error)
    return ""
