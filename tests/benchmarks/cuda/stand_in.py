"""NumPy in place of a GPU, for what the `cuda` suite does around the times it takes."""

from time import perf_counter

import numpy as np

from benchmarks.cuda import agreement as cuda_agreement
from benchmarks.cuda import contenders as cuda_peers
from benchmarks.cuda import fits as cuda_fits
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda.timing import DeviceEffort, enqueue_clock, event_clock

HASTY = DeviceEffort(rounds=5, samples=1, least=0.0, most=1, settle=1)


class HostArrays:
    """Arrays of NumPy, with the methods of `benchmarks.cuda.arrays.Arrays`."""

    def send(self, array):
        return array.copy()

    def empty(self, size):
        return np.full(size, np.nan, np.float32)

    def assign(self, to, source):
        to[...] = source

    def fetch(self, array):
        return array.copy()


class Event:
    """An event that happens when it is recorded."""

    def record(self):
        self.time = perf_counter()

    def synchronize(self):
        """Do nothing."""

    def elapsed_time(self, end):
        return 1e3 * (end.time - self.time)


class StandIn:
    """The methods of `benchmarks.cuda.device.Gpu`."""

    def __init__(self, arrays=None, free=10**9):
        self.arrays = arrays or HostArrays()
        self.device_clock = event_clock(Event)
        self.host_clock = enqueue_clock(lambda: None)
        self.free = free

    def free_memory(self):
        return self.free

    def release(self):
        """Do nothing."""

    def copying_kernel(self):
        return self.arrays.assign

    def describe(self):
        return {
            "gpu": "No GPU",
            "compute_capability": "9.0",
            "memory": 2**34,
            "free_memory": 2**33,
            "driver_supports_cuda": "12.9",
            "toolkit": "12.8",
            "numba_cuda": "0.30.4",
            "torch": None,
            "cupy": "14.0",
            **self.state(),
        }

    def state(self):
        return {
            "driver_version": "570.1",
            "pstate": "P0",
            "clocks.sm": "1980 MHz",
            "clocks.max.sm": "1980 MHz",
            "clocks.mem": "2619 MHz",
            "power.draw": "500.00 W",
            "power.limit": "700.00 W",
        }


def make_small(monkeypatch):
    """Let everything be small, without torch; CuPy's part is NumPy's."""
    for module, name, value in (
        (cuda_steps, "QUICK_SIZES", (2_000,)),
        (cuda_steps, "QUICK_LARGE_EFFORT", HASTY),
        (cuda_steps, "QUICK_SMALL_EFFORT", HASTY),
        (cuda_peers, "CupyArrays", HostArrays),
        (cuda_peers, "TorchArrays", no_torch),
        (cuda_agreement, "PARAMETERS", 50),
        (cuda_agreement, "QUICK_STEPS", 5),
        (cuda_fits, "QUICK_CURVES", 300),
        (cuda_fits, "QUICK_SAMPLE", 20),
        (cuda_fits, "solve", solve_on_host),
    ):
        monkeypatch.setattr(module, name, value)


def no_torch():
    raise ImportError("there is no torch")


_solve = cuda_fits.solve


def solve_on_host(starts, y, device="cpu", **more):
    """Solve without a GPU; what is to be in float32 is rounded."""
    result = _solve(np.asarray(starts, float), np.asarray(y, float), **more)
    if device == "cuda":
        assert starts.dtype == y.dtype == np.float32
        result.x = np.clip(result.x.astype(np.float32), cuda_fits.LOWER, cuda_fits.UPPER)
    return result
