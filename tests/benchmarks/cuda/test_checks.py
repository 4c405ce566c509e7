"""What is compared on a GPU: every element, and a wrong one is found."""

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.cuda import arrays as cuda_arrays
from benchmarks.cuda import lists as cuda_lists
from benchmarks.cuda import patterns as cuda_patterns
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda.arrays import CupyArrays, NumbaArrays, TorchArrays, fill, filled, outside
from benchmarks.cuda.contenders import (
    Copier,
    cupy_textbook,
    driver_copy,
    fastadam_step,
    torch_fused,
)
from benchmarks.cuda.lists import Replayed, fastadam_list, torch_list
from benchmarks.cuda.patterns import ADAM, Pattern
from benchmarks.harness.adam import adam_from
from benchmarks.harness.checks import SCALES
from tests.benchmarks.cuda.stand_in import HostArrays

ARRAYS = HostArrays()


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Let the pattern be short, and repeat often; and lists, too."""
    monkeypatch.setattr(cuda_patterns, "PERIOD", 7)
    monkeypatch.setattr(cuda_arrays, "_PERIODS", 3)
    monkeypatch.setattr(cuda_lists, "_PERIOD", 7)
    monkeypatch.setattr(cuda_lists, "ARRAYS", 4)
    monkeypatch.setattr(cuda_lists, "SIZE", 5)


@pytest.mark.parametrize("size", [1, 6, 7, 8, 14, 50, 1000])
def test_a_pattern_is_repeated(size):
    to = np.full(size, np.nan, np.float32)
    fill(ARRAYS, to, np.arange(7, dtype=np.float32))
    np.testing.assert_array_equal(to, np.arange(size) % 7)


@pytest.mark.parametrize("size", [5, 7, 21, 22, 50, 100])
@pytest.mark.parametrize("bad", [np.nan, -1.0, 99.0])
def test_every_element_is_looked_at(size, bad):
    pattern = np.arange(7, dtype=np.float32)
    array = np.resize(pattern, size)
    assert outside(ARRAYS, array, pattern, pattern) is None
    for place in range(size):
        array[place] = bad
        index, value = outside(ARRAYS, array, pattern, pattern)
        assert index == place
        np.testing.assert_equal(value, np.float32(bad))
        array[place] = pattern[place % 7]


def test_the_reference_goes_on_and_begins_again():
    gradient = np.array([0.5, -3.0], np.float32)
    pattern = Pattern(np.ones(2, np.float32), gradient, adam_from, 1e-3, 1.0)
    expected = adam_from(np.ones(2))
    for t in range(1, 9):
        scale = SCALES[t - 1] if t <= len(SCALES) else 1.0
        expected.step(scale * gradient.astype(float))
        np.testing.assert_array_equal(pattern.after(t), expected.p)
    np.testing.assert_array_equal(pattern.after(8), expected.p)
    np.testing.assert_allclose(pattern.after(1), [0.999, 1.001])


def on_torch():
    pytest.importorskip("torch", reason="needs torch")
    return TorchArrays("cpu")


def make_ours_on_torch(size):
    """Not on a GPU: on the memory of the tensors."""
    pytest.importorskip("torch", reason="needs torch")

    class Arrays(TorchArrays):
        def empty(self, size, dtype=np.float32):
            return super().empty(size, dtype).numpy()

        def assign(self, to, source):
            to[...] = source

        def fetch(self, array):
            return array.copy()

    return fastadam_step(Arrays("cpu"), ADAM, size)


DOUBLE = ADAM._replace(dtype=np.float64)
MAKERS = {
    "fastadam": partial(fastadam_step, ARRAYS, ADAM),
    "fastadam, float64": partial(fastadam_step, ARRAYS, DOUBLE),
    "fastadam on torch": make_ours_on_torch,
    "torch": lambda size: torch_fused(on_torch(), ADAM, size),
    "textbook": partial(cupy_textbook, ARRAYS, ADAM),
}


@pytest.mark.parametrize("size", [5, 100])
@pytest.mark.parametrize("name", MAKERS)
def test_right_steps_pass_and_wrong_ones_do_not(name, size):
    contender = MAKERS[name](size)
    contender.begin()
    assert contender.find_error(0) == ""
    for _ in range(5):
        contender.step()
    assert contender.find_error(5) == ""
    assert "parameter 0 is" in contender.find_error(4)
    contender.params[size - 1] += 1e-4
    assert f"parameter {size - 1} is" in contender.find_error(5)


@pytest.mark.parametrize(
    "make",
    [partial(fastadam_list, ARRAYS), lambda kind: torch_list(on_torch(), kind)],
    ids=["fastadam", "torch"],
)
def test_lists(make, monkeypatch):
    monkeypatch.setattr(cuda_lists, "capture", lambda arrays, step: step)
    contender = make(Replayed)
    contender.begin()
    assert contender.find_error(0) == ""
    contender.step()
    assert contender.find_error(1) == ""
    assert "parameter 0 is" in contender.find_error(2)
    contender.params[3][2] += 1e-4
    assert "parameter 17 is" in contender.find_error(1)
    contender.params[3][2] = np.nan
    assert "parameter 17 is nan" in contender.find_error(1)


class NumbaArray(np.ndarray):
    """NumPy's in place of Numba's."""

    def copy_to_device(self, source):
        self[...] = source

    def copy_to_host(self):
        return np.array(self)


def numba_arrays(monkeypatch):
    return NumbaArrays(
        SimpleNamespace(
            to_device=lambda array: array.copy().view(NumbaArray),
            device_array=lambda size, dtype: np.empty(size, dtype).view(NumbaArray),
        )
    )


def cupy_arrays(monkeypatch):
    cupy = SimpleNamespace(asarray=np.array, empty=np.empty, asnumpy=np.array)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return CupyArrays()


@pytest.mark.parametrize("make", [numba_arrays, cupy_arrays, lambda monkeypatch: on_torch()])
def test_the_arrays_of_each_library(make, monkeypatch):
    arrays = make(monkeypatch)
    for dtype in (np.float32, np.float64):
        pattern = np.arange(3, dtype=dtype)
        array = filled(arrays, 8, pattern)
        found = arrays.fetch(array)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.resize(pattern, 8))


def test_wrong_moments_are_found():
    """They show only if the gradient changes."""
    contender = fastadam_step(ARRAYS, ADAM, 20)
    optimizer = contender.step.func.__self__
    optimizer.param_groups[0]["betas"] = (0.8, 0.999)
    contender.begin()
    assert "after 4 steps" in contender.find_error(0)


@pytest.mark.slow
@pytest.mark.parametrize("name", cuda_steps.rules())
def test_every_rule_is_checked_by_its_own_equations(name, monkeypatch):
    """After as many steps as the suite may take, on all elements of its pattern."""
    monkeypatch.undo()
    stepped = cuda_steps.rules()[name]
    contender = fastadam_step(ARRAYS, stepped, 70_000)
    contender.begin()
    assert contender.find_error(0) == ""
    for _ in range(250):
        contender.step()
    assert contender.find_error(250) == ""
    contender.params[-1] += 100.0 * stepped.group["lr"]
    assert "parameter 69,999 is" in contender.find_error(250)


@pytest.mark.parametrize("stepped", [ADAM, DOUBLE, cuda_steps.rules()["SGD"]])
def test_what_a_step_moves_is_copied(stepped, monkeypatch):
    moved = 0

    class Arrays(HostArrays):
        def assign(self, to, source):
            nonlocal moved
            moved += len(to)
            super().assign(to, source)

    for length in (30, 1000):  # in turns, and at once
        monkeypatch.setattr("benchmarks.cuda.contenders.COPIED", length)
        copier = driver_copy(Arrays(), stepped, 20)
        moved = 0
        copier.step()
        # Half of the bytes are read, half are written.
        assert 2 * 4 * moved == stepped.moved(20)
        assert copier.find_error(0) == ""
        copier.to[3] += 1.0
        assert "element 3 is" in copier.find_error(0)
    assert [ADAM.moved(1), DOUBLE.moved(1), cuda_steps.rules()["SGD"].moved(2)] == [28, 56, 24]


def test_a_copy_that_does_nothing_is_found():
    class Idle(HostArrays):
        def assign(self, to, source):
            if source is not copier.source:
                super().assign(to, source)

    pattern = np.arange(1.0, 8.0, dtype=np.float32)
    source = np.resize(pattern, 30)
    copier = Copier(Idle(), source, source.copy(), 30, pattern)
    copier.begin()
    assert "element 0 is 0, not" in copier.find_error(0)
