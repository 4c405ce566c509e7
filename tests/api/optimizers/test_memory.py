"""Arrays of any memory layout: updated in place, and nothing else is."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastadam
from tests.api.optimizers.optimizers import TORCHS, expected, make

pytestmark = pytest.mark.smoke


def layouts(shape, dtype=np.float64):
    """Return arrays of one shape in various memory layouts, by name."""
    big = np.zeros([3 * n + 1 for n in shape], dtype)
    unaligned = np.zeros(int(np.prod(shape)) * dtype().itemsize + 1, np.uint8)[1:]
    return {
        "C": np.zeros(shape, dtype),
        "Fortran": np.zeros(shape, dtype, order="F"),
        "permuted": np.zeros(shape[1:] + shape[:1], dtype).transpose(-1, *range(len(shape) - 1)),
        "strided": big[tuple(slice(1, 3 * n, 3) for n in shape)],
        "reversed": np.zeros(shape, dtype)[::-1],
        "unaligned": unaligned.view(dtype).reshape(shape),
    }


@pytest.mark.parametrize("layout", layouts((2, 3, 4)))
@pytest.mark.parametrize("gradient_layout", layouts((2, 3, 4)))
def test_any_layout_is_updated_in_place(layout, gradient_layout):
    rng = np.random.default_rng(3)
    p, g = layouts((2, 3, 4))[layout], layouts((2, 3, 4))[gradient_layout]
    p[...], g[...] = rng.standard_normal((2, 2, 3, 4))
    base = p.base if p.base is not None else p
    result = expected("Adam", p, [g, g, g])
    optimizer = fastadam.Adam([p])
    for _ in range(3):
        optimizer.step([g])
    np.testing.assert_array_equal(p, result)
    assert np.shares_memory(p, base)


@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    steps=st.lists(st.sampled_from([-2, -1, 1, 3]), min_size=3, max_size=3),
    axes=st.permutations(range(3)),
    data=st.data(),
)
@settings(deadline=None, max_examples=150)
def test_any_view_is_updated_in_place(shape, steps, axes, data):
    whole = np.zeros([3 * n for n in shape])
    view = whole[tuple(np.s_[::step] for step in steps[: len(shape)])]
    view = view[tuple(np.s_[:n] for n in shape)].transpose([a for a in axes if a < len(shape)])
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    view[...] = rng.standard_normal(view.shape)
    outside = whole.sum() - view.sum()
    g = rng.standard_normal(view.shape)
    result = expected("NAdam", view, [g, g])
    optimizer = fastadam.NAdam(view)
    optimizer.step(g)
    optimizer.step(g)
    np.testing.assert_array_equal(view, result)
    assert whole.sum() - view.sum() == pytest.approx(outside)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2)])
@pytest.mark.parametrize("nonfinite", ["propagate", "raise", "skip"])
def test_small_and_empty_arrays(shape, nonfinite):
    p = np.ones(shape, np.float32)
    optimizer = fastadam.Adam(p, nonfinite=nonfinite)
    optimizer.step(np.ones(shape, np.float32))
    assert optimizer.step_count == 1
    np.testing.assert_allclose(p, np.full(shape, 0.999, np.float32), rtol=1e-6)


def test_a_memory_map_is_updated_on_disk(tmp_path):
    p = np.memmap(tmp_path / "p", np.float32, "w+", shape=(4, 3))
    fastadam.Adam(p).step(np.ones((4, 3), np.float32))
    p.flush()
    np.testing.assert_allclose(np.fromfile(tmp_path / "p", np.float32), -1e-3, rtol=1e-6)


def test_a_gradient_in_the_parameters_memory_is_read_before_it_changes():
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    expected_x, expected_y = expected("SGD", x, [y.copy()]), expected("SGD", y, [x.copy()])
    make("SGD", [x, y]).step([y, x])  # of x @ y
    np.testing.assert_array_equal(x, expected_x)
    np.testing.assert_array_equal(y, expected_y)

    buffer = np.arange(10.0)
    p, shifted = buffer[:9], buffer[1:]
    result = expected("Adam", p, [shifted.copy()])
    fastadam.Adam(p).step(shifted)
    np.testing.assert_array_equal(p, result)


def peak_of_steps(optimizer, g):
    """Return how many bytes some steps take at a time."""
    tracemalloc.start()
    try:
        for _ in range(3):
            optimizer.step(g)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak


def test_read_only_gradients_are_not_copied():
    p, g = np.ones(100_000), np.ones(100_000)
    g.flags.writeable = False
    optimizer = fastadam.Adam(p)
    optimizer.step(g)
    np.testing.assert_allclose(p, 0.999)
    assert peak_of_steps(optimizer, g) < 80_000


@pytest.mark.parametrize("nonfinite", ["propagate", "raise"])
@pytest.mark.parametrize("name", TORCHS)  # in parallel, which takes long to compile
def test_a_step_allocates_nothing_that_grows(name, nonfinite):
    size = 300_000
    p, g = np.ones(size, np.float32), np.ones(size, np.float32)
    optimizer = make(name, p, nonfinite=nonfinite)
    for _ in range(6):  # both loops are loaded by now
        optimizer.step(g)
    assert peak_of_steps(optimizer, g) < 20_000
