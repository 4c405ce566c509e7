"""NumPy in place of a GPU, for what the `cuda` suite does around the times it takes."""

from time import perf_counter

import numpy as np
from scipy.optimize import OptimizeResult

from benchmarks.cuda import agreement as cuda_agreement
from benchmarks.cuda import compiling as cuda_compiling
from benchmarks.cuda import contenders as cuda_peers
from benchmarks.cuda import fits as cuda_fits
from benchmarks.cuda import forms as cuda_forms
from benchmarks.cuda import gaussians as cuda_gaussians
from benchmarks.cuda import lists as cuda_lists
from benchmarks.cuda import multistarts as cuda_multistarts
from benchmarks.cuda import spots
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda.arrays import outside
from benchmarks.cuda.patterns import ADAM
from benchmarks.cuda.timing import DeviceEffort, complete_clock, enqueue_clock, event_clock

HASTY = DeviceEffort(rounds=5, samples=1, least=0.0, most=1, settle=1)


class HostArrays:
    """Arrays of NumPy, with the methods of `benchmarks.cuda.arrays.Arrays`."""

    def send(self, array):
        return array.copy()

    def empty(self, size, dtype=np.float32):
        return np.full(size, np.nan, dtype)

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
        self.host_clock = enqueue_clock(self.synchronize)
        self.complete_clock = complete_clock(self.synchronize)
        self.free = free

    def free_memory(self):
        return self.free

    def release(self):
        """Do nothing."""

    def synchronize(self):
        """Do nothing."""

    outside = staticmethod(outside)

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


def no_torch():
    raise ImportError("there is no torch")


def no_cupy():
    raise ImportError("there is no CuPy")


_RULES = cuda_steps.rules()


def few_rules():
    """The smallest and the largest."""
    return {name: _RULES[name] for name in ("SGD", "AdEMAMix")}


#: What is smaller than in the suite, however quick.
SMALL = (
    (cuda_steps, "rules", few_rules),
    (cuda_steps, "QUICK_LARGE_EFFORT", HASTY),
    (cuda_steps, "QUICK_SMALL_EFFORT", HASTY),
    (cuda_forms, "QUICK_LARGE_EFFORT", HASTY),
    (cuda_lists, "QUICK_EFFORT", HASTY),
    (cuda_lists, "ARRAYS", 3),
    (cuda_lists, "SIZE", 5),
    (cuda_lists, "CupyArrays", no_cupy),
    (cuda_peers, "TorchArrays", no_torch),
    (cuda_lists, "TorchArrays", no_torch),
)


def make_small(monkeypatch):
    """Let everything be small, without torch; CuPy's part is NumPy's."""
    for module, name, value in (
        *SMALL,
        (cuda_steps, "QUICK_SIZES", (2_000,)),
        (cuda_steps, "QUICK_DOUBLE_SIZE", 1_000),
        (cuda_forms, "QUICK_SIZE", 3_000),
        (cuda_forms, "FORMS", {"fastadam": ADAM}),  # the others compile for seconds
        (cuda_peers, "CupyArrays", HostArrays),
        (cuda_lists, "CupyArrays", HostArrays),
        (cuda_agreement, "PARAMETERS", 50),
        (cuda_agreement, "QUICK_STEPS", 5),
        (cuda_fits, "QUICK_CURVES", 300),
        (cuda_fits, "QUICK_SAMPLE", 20),
        (cuda_fits, "solve", solve_on_host),
        (cuda_gaussians, "QUICK_IMAGES", 3_000),
        (cuda_gaussians, "QUICK_PART", 2_500),
        (cuda_gaussians, "solve", fit_nowhere),
        (cuda_multistarts, "QUICK_STARTS", 20),
        (cuda_multistarts, "solve", start_nowhere),
        (cuda_compiling, "run_fresh", lambda program, environment: [0.5, True]),
    ):
        monkeypatch.setattr(module, name, value)


_solve = cuda_fits.solve


def solve_on_host(starts, y, device="cpu", **more):
    """Solve without a GPU; what is to be in float32 is rounded."""
    result = _solve(np.asarray(starts, float), np.asarray(y, float), **more)
    if device == "cuda":
        assert starts.dtype == y.dtype == np.float32
        result.x = np.clip(result.x.astype(np.float32), cuda_fits.LOWER, cuda_fits.UPPER)
    return result


def start_nowhere(starts, device="cpu"):
    """Return what many starts find: the loops for it compile for seconds."""
    return OptimizeResult(fun=0.0, minima=np.zeros((1, 2)))


def fit_nowhere(starts, images, device="cpu"):
    """Return what fits of the first images find: the truth, but for errors as small as can be."""
    truth, _ = spots.make_images(len(images), seed=0)
    noise = np.random.default_rng(0).standard_normal(truth.shape)
    x = (truth + spots.least_errors(truth) * noise).astype(starts.dtype)
    assert starts.dtype == images.dtype == (np.float32 if device == "cuda" else np.float64)
    return OptimizeResult(x=x, success=np.ones(len(x), bool), nfev=np.full(len(x), 9))
