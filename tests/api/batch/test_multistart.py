"""`fastadam.multistart`: what it finds, and what counts as one minimum."""

import numba
import numpy as np
import pytest

import fastadam
from fastadam import problems
from tests.api.batch.multistarts import (
    BOX,
    HIMMELBLAU,
    assert_same,
    each_sampling,
    ends,
    himmelblau,
    himmelblau_der,
    multistart,
    starts,
)
from tests.api.minimize.helpers import INF, NAN

pytestmark = pytest.mark.smoke


def one_by_one(result, width):
    """Return the minimisers and the counts by the definition, without a tree."""
    x, f = result.solutions.x, result.solutions.fun
    rows = [k for k in np.argsort(f, kind="stable") if result.solutions.success[k]]
    leaders, counts = [], []
    for k in rows:
        near = np.all(abs(x[leaders] - x[k]) <= 1e-3 * width, axis=1)
        same = near & (f[k] - f[leaders] <= 1e-5 * (1.0 + abs(f[leaders])))
        if same.any():
            counts[int(np.argmax(same))] += 1
        else:
            leaders.append(k)
            counts.append(1)
    return x[leaders], counts


# ---------------------------------------------------------------------------------------------
# What it finds
# ---------------------------------------------------------------------------------------------


@each_sampling
@pytest.mark.parametrize(
    ("fun", "jac", "options"),
    [
        (HIMMELBLAU.fun, HIMMELBLAU.jac, None),
        (HIMMELBLAU.fun, None, None),
        (HIMMELBLAU.in_place, "in-place", {"lr": 0.01}),
        (himmelblau, himmelblau_der, {"lr": 0.1}),
    ],
    ids=["compiled", "differences", "plain-adam", "python"],
)
def test_the_four_minima_of_himmelblau(fun, jac, options, sampling):
    result = multistart(fun, jac=jac, options=options, sampling=sampling, rng=1)
    assert result.success
    assert result.status == 0
    assert result.minima.shape == (4, 2)
    assert result.counts.sum() == 100
    assert result.counts.min() >= 5
    order = np.lexsort(result.minima.T)
    known = HIMMELBLAU.minimizers[np.lexsort(HIMMELBLAU.minimizers.T)]
    np.testing.assert_allclose(result.minima[order], known, atol=1e-5)
    values = [himmelblau(x) for x in result.minima]
    np.testing.assert_allclose(result.minima_fun, values, atol=1e-15)
    assert np.all(np.diff(result.minima_fun) >= 0)


def test_the_four_minima_of_styblinski_tang():
    """Of three values: the two in the middle are equal."""
    problem = problems.styblinski_tang(2)
    result = multistart(problem.fun, problem.bounds, jac=problem.jac, rng=0)
    low, high = -2.903534, 2.746803
    np.testing.assert_allclose(result.x, [low, low], atol=1e-5)
    assert result.fun == pytest.approx(problem.fmin, abs=1e-9)
    assert result.counts.sum() == 100
    assert {tuple(x) for x in result.minima.round(5).tolist()} == {
        (round(a, 5), round(b, 5)) for a in (low, high) for b in (low, high)
    }
    np.testing.assert_allclose(result.minima_fun, [-78.33233, -64.19561, -64.19561, -50.05889])


def test_the_result_is_that_of_minimize_batch():
    problem = HIMMELBLAU
    how = {"jac": problem.jac, "method": "nadam", "tol": 1e-4, "options": {"lr": 0.1}}
    result = multistart(problem.fun, rng=3, **how)
    solutions = fastadam.minimize_batch(problem.fun, starts(rng=3), bounds=BOX, **how)
    assert_same(result.solutions, solutions)
    best = int(np.argmin(solutions.fun))
    np.testing.assert_array_equal(result.x, solutions.x[best])
    np.testing.assert_array_equal(result.jac, solutions.jac[best])
    assert result.fun == solutions.fun[best]
    for name in ("nit", "nfev", "njev"):
        assert result[name] == solutions[name].sum()
        assert type(result[name]) is int
    assert (type(result.fun), type(result.status), type(result.success)) == (float, int, bool)
    assert result.message == f"4 minima from 100 starts. {solutions.message}"
    np.testing.assert_array_equal(result.x, result.minima[0])
    assert result.fun == result.minima_fun[0]


def test_the_result_is_a_copy():
    result = multistart(HIMMELBLAU.fun, rng=0, n_starts=8)
    before = result.solutions.x.copy()
    result.x += 1.0
    result.minima += 1.0
    np.testing.assert_array_equal(result.solutions.x, before)


@pytest.mark.parametrize("wrap", [numba.njit, lambda fun: fun], ids=["compiled", "python"])
def test_arguments(wrap):
    @wrap
    def distance(x, centre, scale):
        return scale * np.sum((x - centre) ** 2)

    @wrap
    def gradient(x, centre, scale):
        return 2.0 * scale * (x - centre)

    centre = np.array([1.0, -2.0])
    result = multistart(distance, args=(centre, 3.0), jac=gradient, n_starts=8, rng=0)
    np.testing.assert_allclose(result.x, centre, atol=1e-5)
    np.testing.assert_array_equal(result.counts, [8])
    assert result.message.startswith("1 minimum from 8 starts. 8 of 8: ")


def test_an_argument_that_is_no_tuple():
    result = multistart(lambda x, c: (x[0] - c) ** 2, [(0, 4)], 2, args=2.0, rng=0)
    np.testing.assert_allclose(result.x, [2.0], atol=1e-5)


def test_the_box_holds_or_is_for_the_starts_only():
    box = [(4.0, 5.0), (-1.0, 5.0)]
    inside = multistart(HIMMELBLAU.fun, box, 16, jac=HIMMELBLAU.jac, rng=0)
    assert np.all((inside.solutions.x >= [4.0, -1.0]) & (inside.solutions.x <= 5.0))
    assert inside.x[0] == 4.0
    outside = multistart(HIMMELBLAU.fun, box, 16, jac=HIMMELBLAU.jac, rng=0, within_bounds=False)
    assert outside.fun < 1e-9 < inside.fun
    assert outside.x[0] < 3.9


# ---------------------------------------------------------------------------------------------
# One minimum or two
# ---------------------------------------------------------------------------------------------


def flat(x):
    return 2.0


def striped(x):
    return float(np.floor(5000.0 * x[0]) % 3)


def almost_flat(x):
    return 10.0 + 4e-4 * x[0]  # from end to end four times the tolerance


@pytest.mark.parametrize("fun", [flat, striped, almost_flat])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_minima_and_counts_are_those_of_the_definition(fun, scale):
    scaled = lambda x: fun(x / scale)  # noqa: E731
    result = ends(scaled, [(0.0, scale), (1.0, 1.0)], 1000, rng=0)
    minima, counts = one_by_one(result, np.array([scale, 1.0]))
    assert 1 < len(counts) < 1000
    np.testing.assert_array_equal(result.minima, minima)
    np.testing.assert_array_equal(result.counts, counts)
    assert result.counts.sum() == 1000


def test_neighbours_need_each_coordinate():
    box = [(0.0, 1e-3), (-50.0, 50.0)]
    result = ends(flat, box, 2000, sampling="latin-hypercube", rng=0)
    minima, counts = one_by_one(result, np.array([1e-3, 100.0]))
    assert 1900 < len(counts) < 2000
    np.testing.assert_array_equal(result.minima, minima)
    np.testing.assert_array_equal(result.counts, counts)


def test_values_decide_between_neighbours():
    """All starts are at one place; the values of the three kinds differ."""
    calls = []

    def takes_turns(x):
        calls.append(None)
        return [5.0, 3.0, 3.0 + 3e-5, 3.0 + 5e-5][len(calls) % 4]

    result = ends(takes_turns, [(1.0, 1.0)], 40, rng=0)
    np.testing.assert_array_equal(result.minima_fun, [3.0, 3.0 + 5e-5, 5.0])
    np.testing.assert_array_equal(result.counts, [20, 10, 10])


def test_a_coordinate_without_width():
    """Of which the solves are free to move away."""
    box = [(2.0, 2.0), (-5.0, 5.0)]
    held = multistart(HIMMELBLAU.fun, box, 32, jac=HIMMELBLAU.jac, rng=0)
    assert np.all(held.solutions.x[:, 0] == 2.0)
    assert 1 <= len(held.minima) <= 2
    free = multistart(HIMMELBLAU.fun, box, 32, jac=HIMMELBLAU.jac, rng=0, within_bounds=False)
    assert 2 <= len(free.minima) <= 4
    assert free.counts.sum() == 32
    assert free.fun < 1e-9


def test_as_many_minima_as_starts():
    """In time and memory for 50,000 of them, where all pairs would be 20 GB."""
    n = 50_000
    end = numba.njit(lambda x: x[0])
    no_gradient = numba.njit(lambda x: np.zeros_like(x))
    result = multistart(end, [(0.0, 1.0)] * 6, n, jac=no_gradient, rng=0)
    assert len(result.minima) > 0.9 * n
    assert result.counts.sum() == n
    assert np.all(np.diff(result.minima_fun) >= 0)


# ---------------------------------------------------------------------------------------------
# Failures
# ---------------------------------------------------------------------------------------------


def test_starts_that_fail_do_not_count():
    def broken(x):
        return NAN if x[0] < 0.0 else himmelblau(x)

    def derivative(x):
        return np.full(2, NAN) if x[0] < 0.0 else himmelblau_der(x)

    result = multistart(broken, jac=derivative, n_starts=40, options={"lr": 0.05}, rng=0)
    failures = np.count_nonzero(~result.solutions.success)
    assert 10 < failures < 30
    assert result.success
    assert result.counts.sum() == 40 - failures
    np.testing.assert_allclose(
        sorted(result.minima.tolist()), [[3.0, 2.0], [3.584428, -1.848127]], atol=1e-5
    )
    assert f"{failures} of 40: NaN" in result.message


def assert_nothing_found(result, n):
    assert not result.success
    assert result.minima.shape == (0, n)
    assert result.minima_fun.shape == (0,)
    assert result.counts.shape == (0,)
    assert result.counts.dtype == np.int64
    assert result.message.startswith("0 minima from ")


@pytest.mark.parametrize("bad", [NAN, INF])
def test_no_start_gives_a_number(bad):
    with np.errstate(invalid="ignore"):
        result = multistart(lambda x: bad, n_starts=5, rng=0)
    assert_nothing_found(result, 2)
    assert result.status == 3
    assert not np.isfinite(result.fun)
    assert np.all(abs(result.x) <= 5.0)


def test_without_a_success_the_best_point():
    def holed(x):
        return NAN if x[0] < 0.0 else himmelblau(x)

    with np.errstate(invalid="ignore"):
        result = multistart(holed, options={"maxiter": 0}, rng=0)
    assert_nothing_found(result, 2)
    assert result.fun == np.nanmin(result.solutions.fun) == himmelblau(result.x)
    assert result.status == 1


def test_a_success_is_better_than_a_lower_value_on_the_way():
    def cliff(x):
        return (x[0] - 1.0) ** 2 if x[0] > 0.0 else x[0] - 5.0

    def slope(x):
        return np.array([2.0 * (x[0] - 1.0) if x[0] > 0.0 else 1.0])

    options = {"lr": 0.01, "maxiter": 3000}
    result = multistart(
        cliff, [(-1.0, 1.5)], 16, jac=slope, options=options, rng=0, within_bounds=False
    )
    assert result.solutions.fun.min() < -5.0
    assert result.success
    np.testing.assert_allclose(result.x, [1.0], atol=1e-4)
    assert result.counts.sum() == np.count_nonzero(result.solutions.success) < 16


def test_no_time():
    result = multistart(HIMMELBLAU.fun, options={"max_seconds": 1e-9}, rng=0)
    assert_nothing_found(result, 2)
    assert result.status == 1


def test_what_a_function_raises_propagates():
    def raises(x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        multistart(raises)
