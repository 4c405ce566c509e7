"""Whole optimisers, their kernels compiled for a GPU, and run from the PTX over host memory."""

import numpy as np
import pytest

import fastadam
from tests.rules import later_slow

from . import ptx
from .family import (
    FAMILY,
    SIZES,
    assert_same_at_offsets,
    assert_same_lists,
    assert_same_steps,
)
from .graphs import Walk
from .host import HostArray, HostDevice, install, place


class PtxDevice(HostDevice):
    """Runs what the compiler made of a kernel, on arguments as the driver takes them."""

    def __init__(self, ordinal, monkeypatch):
        super().__init__(ordinal)
        self._monkeypatch = monkeypatch

    def compile(self, function, signature):
        """Compile it once in all tests: the functions are known by their names."""
        return ptx.Program(ptx.named_ptx(function, signature, self._monkeypatch))

    def run(self, kernel, blocks, threads, arguments):
        kernel.run(arguments.address, blocks, threads)


@pytest.fixture
def gpu(monkeypatch):
    ptx.require_toolkit()
    return install(monkeypatch, lambda ordinal: PtxDevice(ordinal, monkeypatch))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", later_slow(FAMILY))
@pytest.mark.usefixtures("gpu")
def test_steps_have_the_bits_of_the_cpu(name, dtype):
    assert_same_steps(name, dtype, (3, 5), 5, HostArray, lambda array: array.array)


@pytest.mark.parametrize(("name", "dtype"), [("adam", np.float32), ("adam_amsgrad", np.float64)])
@pytest.mark.usefixtures("gpu")
def test_pieces_that_are_not_whole_or_not_aligned_have_the_bits_of_the_cpu(name, dtype):
    assert_same_at_offsets(name, dtype, SIZES[:-5], 2, place, lambda array: array.array)


@pytest.mark.usefixtures("gpu")
def test_lists_have_the_bits_of_the_cpu():
    assert_same_lists("adam", [np.float32], place, lambda array: array.array)


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"), [("adam", np.float64, 1e-14), ("momentum", np.float32, 0.0)]
)
def test_replays_are_steps(name, dtype, tolerance, gpu):
    """The GPU's exponentials and logarithms may differ from the host's in the last bit."""
    functions = place_on_stream, lambda there: there.array, write, gpu.capture
    walk = Walk(name, dtype, *functions, tolerance=tolerance)
    walk.step()
    replay = walk.capture()
    for _ in range(2):
        walk.step(replay)
    walk.assert_same()


def place_on_stream(array):
    return HostArray(array, 5)


def write(there, array):
    there.array[...] = array


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("gpu")
def test_the_first_element_that_is_not_finite_is_found(dtype):
    p, q = (HostArray(np.ones(9, dtype)) for _ in range(2))
    optimizer = fastadam.Adam({"p": p, "q": q}, nonfinite="raise")
    g, bad = np.full(9, np.finfo(dtype).max), np.ones(9, dtype)
    bad[[4, 7]] = -np.inf, np.nan
    with pytest.raises(ValueError, match=r"grads\['q'\] must be finite, got -inf"):
        optimizer.step({"p": HostArray(g), "q": HostArray(bad)})
    optimizer.step({"p": HostArray(g), "q": HostArray(np.ones(9, dtype))})
    assert optimizer.step_count == 1


def test_subnormals_are_flushed_as_on_the_cpu(gpu):
    p, g = np.ones(3, np.float32), np.array([1e-30, 1e-38, 0.0], np.float32)
    q = HostArray(p.copy())
    cpu, on_gpu = fastadam.Adam(p), fastadam.Adam(q)
    tiny = {
        key: np.full(3, 1e-40, np.float32) if key.endswith(("/m", "/v")) else value
        for key, value in cpu.state_dict().items()
    }
    for optimizer, gradient in ((cpu, g), (on_gpu, HostArray(g))):
        optimizer.load_state_dict(tiny)
        optimizer.step(gradient)
    state, expected = on_gpu.state_dict(), cpu.state_dict()
    for key in ("group0/0/m", "group0/0/v"):
        assert (state[key] == expected[key]).all()
        assert (np.abs(state[key][1:]) == 0).all()
    assert gpu.events.count(("launch", 0)) == 1
