"""What is compared on a GPU: every element, and a wrong one is found."""

import numpy as np
import pytest

from benchmarks.cuda import arrays as cuda_arrays
from benchmarks.cuda import contenders as cuda_peers
from benchmarks.cuda.arrays import TorchArrays, fill, outside
from benchmarks.cuda.contenders import (
    SCALES,
    Copier,
    Pattern,
    cupy_textbook,
    fastadam_step,
    make_pattern,
    torch_fused,
)
from benchmarks.harness.adam import adam_from
from tests.benchmarks.cuda.stand_in import HostArrays

ARRAYS = HostArrays()


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Let the pattern be short, and repeat often."""
    monkeypatch.setattr(cuda_peers, "PERIOD", 7)
    monkeypatch.setattr(cuda_arrays, "_PERIODS", 3)


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
    assert list(outside(ARRAYS, array, pattern, pattern)) == []
    for place in range(size):
        array[place] = bad
        ((index, value),) = outside(ARRAYS, array, pattern, pattern)
        assert index == place
        np.testing.assert_equal(value, np.float32(bad))
        array[place] = pattern[place % 7]


def test_the_reference_goes_on_and_begins_again():
    pattern = Pattern(np.ones(2, np.float32), np.array([0.5, -3.0], np.float32))
    expected = adam_from(np.ones(2))
    for t in range(1, 9):
        scale = SCALES[t - 1] if t <= len(SCALES) else 1.0
        expected.step(scale * pattern.gradient.astype(float))
        np.testing.assert_array_equal(pattern.after(t), expected.p)
    np.testing.assert_array_equal(pattern.after(8), expected.p)
    np.testing.assert_allclose(pattern.after(1), [0.999, 1.001])


def make_torch(size, pattern):
    pytest.importorskip("torch", reason="needs torch")
    return torch_fused(TorchArrays("cpu"), size, pattern)


def make_ours_on_torch(size, pattern):
    """Not on a GPU: on the memory of the tensors."""
    pytest.importorskip("torch", reason="needs torch")

    class Arrays(TorchArrays):
        def empty(self, size):
            return super().empty(size).numpy()

        def assign(self, to, source):
            to[...] = source

        def fetch(self, array):
            return array.copy()

    return fastadam_step(Arrays("cpu"), size, pattern)


MAKERS = {
    "fastadam": lambda size, pattern: fastadam_step(ARRAYS, size, pattern),
    "fastadam on torch": make_ours_on_torch,
    "torch": make_torch,
    "textbook": lambda size, pattern: cupy_textbook(ARRAYS, size, pattern),
}


@pytest.mark.parametrize("size", [5, 100])
@pytest.mark.parametrize("name", MAKERS)
def test_right_steps_pass_and_wrong_ones_do_not(name, size):
    pattern = make_pattern(size)
    contender = MAKERS[name](size, pattern)
    contender.begin(pattern)
    assert contender.find_error(pattern, 0) == ""
    for _ in range(5):
        contender.step()
    assert contender.find_error(pattern, 5) == ""
    assert "parameter 0 is" in contender.find_error(pattern, 4)
    contender.params[size - 1] += 1e-4
    assert f"parameter {size - 1} is" in contender.find_error(pattern, 5)


def test_wrong_moments_are_found():
    """They show only if the gradient changes."""
    pattern = make_pattern(20)
    contender = fastadam_step(ARRAYS, 20, pattern)
    optimizer = contender.step.func.__self__
    optimizer.param_groups[0]["betas"] = (0.8, 0.999)
    contender.begin(pattern)
    assert "after 4 steps" in contender.find_error(pattern, 0)


@pytest.mark.parametrize(("length", "elements"), [(30, 30), (30, 100), (30, 60)])
def test_copies(length, elements):
    pattern = make_pattern(1000)
    moved = 0

    def copy(to, source):
        nonlocal moved
        moved += len(to)
        to[...] = source

    source, to = np.resize(pattern.start, length), np.full(length, np.nan, np.float32)
    copier = Copier(copy, ARRAYS, source, to, elements)
    copier.begin(pattern)
    assert moved == elements
    assert copier.find_error(pattern, 0) == ""
    to[3] += 1.0
    assert "element 3 is" in copier.find_error(pattern, 0)


def test_a_copy_that_does_nothing_is_found():
    pattern = make_pattern(1000)
    source = np.resize(pattern.start, 30)
    copier = Copier(lambda to, source: None, ARRAYS, source, source.copy(), 30)
    copier.begin(pattern)
    assert "element 0 is 0, not" in copier.find_error(pattern, 0)
