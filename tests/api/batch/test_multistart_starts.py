"""Where `fastadam.multistart` starts."""

import numpy as np
import pytest
from scipy.optimize import Bounds

from tests.api.batch.multistarts import (
    BOX,
    HIMMELBLAU,
    assert_same,
    each_sampling,
    ends,
    multistart,
    starts,
)


@each_sampling
@pytest.mark.parametrize("number", [1, 2, 3, 64, 100, 129])
def test_starts_are_spread_over_the_box(sampling, number):
    box = np.array([(-1.0, 3.0), (10.0, 10.5), (-1e3, -1e2)])
    x = starts(box, number, sampling=sampling, rng=0, fun=lambda x: x.sum())
    assert x.shape == (number, 3)
    unit = (x - box[:, 0]) / (box[:, 1] - box[:, 0])
    assert np.all((unit >= 0) & (unit <= 1))
    slices = np.sort(np.floor(unit * number), axis=0)
    if sampling == "latin-hypercube" or number in (1, 2, 64):
        np.testing.assert_array_equal(slices, np.repeat(np.arange(number)[:, None], 3, axis=1))
    else:
        assert len(np.unique(slices[:, 0])) > number // 2


@pytest.mark.parametrize("few", [1, 7, 64, 99])
def test_more_starts_begin_with_the_fewer_ones(few):
    np.testing.assert_array_equal(starts(n_starts=few, rng=5), starts(n_starts=100, rng=5)[:few])


@each_sampling
def test_the_same_seed_the_same_result(sampling):
    arguments = {"fun": HIMMELBLAU.fun, "n_starts": 20, "sampling": sampling}
    first = multistart(rng=7, **arguments)
    assert_same(first, multistart(rng=7, **arguments))
    assert_same(first, multistart(rng=np.int64(7), **arguments))
    assert_same(first, multistart(rng=np.random.default_rng(7), **arguments))


@each_sampling
def test_other_seeds_other_starts(sampling):
    generator = np.random.default_rng(7)
    drawn = [starts(sampling=sampling, rng=rng) for rng in (7, 8, None, None)]
    drawn += [starts(sampling=sampling, rng=generator) for _ in range(2)]
    np.testing.assert_array_equal(drawn.pop(-2), drawn[0])
    assert len({x.tobytes() for x in drawn}) == len(drawn)


def test_global_state_of_numpy_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    starts(rng=None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    "bounds",
    [
        BOX,
        tuple(BOX),
        np.array(BOX),
        zip([-5, -5], [5, 5], strict=True),
        Bounds([-5, -5], [5, 5]),
        Bounds(-5, [5, 5]),
    ],
    ids=["list", "tuple", "array", "iterator", "Bounds", "Bounds broadcast"],
)
def test_forms_of_bounds(bounds):
    np.testing.assert_array_equal(starts(bounds, rng=0), starts(rng=0))


def test_one_variable():
    result = multistart(lambda x: np.cos(x[0]), Bounds(0.0, 12.0), 16, rng=0)
    np.testing.assert_allclose(np.sort(result.minima[:, 0]), [np.pi, 3 * np.pi], atol=1e-4)


@each_sampling
def test_a_box_as_wide_as_the_numbers(sampling):
    top = np.finfo(np.float64).max
    result = ends(lambda x: float(x[0] > 0), [(-top, top)] * 2, 64, sampling=sampling, rng=0)
    assert np.all(np.isfinite(result.solutions.x))
    assert np.ptp(result.solutions.x[:, 0] / top) > 1.9
    assert len(result.minima) == 64  # no two within 1e-3 of the width
