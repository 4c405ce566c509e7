"""The whole `cuda` suite in numba-cuda's simulator, tiny; run in a process of its own."""

import json
import warnings
from collections import Counter
from contextlib import redirect_stdout
from functools import cache, partial
from io import StringIO

import numpy as np
import pytest

from benchmarks.cuda import agreement as cuda_agreement
from benchmarks.cuda import compiling as cuda_compiling
from benchmarks.cuda import contenders as cuda_peers
from benchmarks.cuda import fits as cuda_fits
from benchmarks.cuda import forms as cuda_forms
from benchmarks.cuda import gaussians as cuda_gaussians
from benchmarks.cuda import multistarts as cuda_multistarts
from benchmarks.cuda import patterns as cuda_patterns
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda import suite as cuda
from benchmarks.cuda.device import Gpu, load_search
from benchmarks.harness.report import Options
from benchmarks.harness.timing import Effort
from fastadam._numba import gpu as target
from tests.benchmarks.cuda.stand_in import SMALL, StandIn, no_cupy
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

    def empty(self, size, dtype=np.float32):
        return Sliced(np.full(size, np.nan, dtype))

    def assign(self, to, source):
        to.array[...] = source.array

    def fetch(self, array):
        return array.copy_to_host() if hasattr(array, "copy_to_host") else array.array.copy()


class SimulatedGpu(StandIn):
    """The simulator, with the host's clock in place of events."""

    def __init__(self):
        super().__init__(SimulatedArrays())

    @staticmethod
    def outside(arrays, array, lowest, highest):
        """Launch the kernel as `Gpu.outside` does."""
        cuda, size = target.load_compiler(), len(array)
        first = cuda.to_device(np.array([size]))
        limits = map(cuda.to_device, (arrays.fetch(array), lowest, highest))
        load_search(lowest.dtype)[2, 2](*limits, first)
        index = int(first.copy_to_host()[0])
        return None if index == size else (index, arrays.fetch(array)[index])


def to_simulator(gpu, array):
    """Return an array that a kernel of the simulator takes as it is."""
    return target.load_compiler().to_device(array)


@cache
def run_here(program):
    """Run a program in this process; return the list that it prints."""
    with redirect_stdout(StringIO()) as printed:
        exec(program, {})
    return json.loads(printed.getvalue())


ONCE = Effort(rounds=1, samples=1, budget=0.0)


def main():
    """Print what the suite found, as JSON."""
    # Numbers that are random by hashing wrap around.
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch, SimulatedDevice)
        for module, name, value in (
            *SMALL,
            (cuda_patterns, "PERIOD", 7),
            (cuda_peers, "CupyArrays", no_cupy),
            (cuda_peers, "COPIED", 10),
            (cuda_steps, "QUICK_SIZES", (11,)),
            (cuda_steps, "SMALL", 3),
            (cuda_steps, "QUICK_DOUBLE_SIZE", 11),
            (cuda_forms, "QUICK_SIZE", 11),
            (cuda_multistarts, "QUICK_STARTS", 2),
            (cuda_multistarts, "TOLERANCE", 100.0),  # of two, after three iterations
            (cuda_multistarts, "solve", partial(cuda_multistarts.solve, options={"maxiter": 3})),
            (cuda_multistarts, "Effort", lambda **_: ONCE),
            (cuda_compiling, "run_fresh", lambda program, environment: run_here(program)),
            (cuda_agreement, "PARAMETERS", 5),
            (cuda_agreement, "QUICK_STEPS", 4),
            (cuda_agreement, "GRADIENTS", 3),
            (cuda_fits, "QUICK_CURVES", 2),
            (cuda_fits, "QUICK_SAMPLE", 1),
            (cuda_fits, "Effort", lambda **_: ONCE),
            (cuda_gaussians, "QUICK_IMAGES", 1),
            (cuda_gaussians, "QUICK_PART", 1),
            (cuda_gaussians, "SPREAD", (0.0, 5.0)),  # of one
            (cuda_gaussians, "Effort", lambda **_: ONCE),
            *((module, "to_gpu", to_simulator) for module in (cuda_fits, cuda_gaussians)),
        ):
            monkeypatch.setattr(module, name, value)
        result = cuda.measure(SimulatedGpu(), Options(quick=True))
    print(
        json.dumps(
            {
                "rows": Counter(f"{row.contender}: {row.status}" for row in result.rows),
                "verdicts": {each.what: (each.reached, each.note) for each in result.verdicts},
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
