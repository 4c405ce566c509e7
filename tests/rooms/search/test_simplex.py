"""The simplex of Nelder and Mead: SciPy's points, bounds, and where slopes tell little."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize
from scipy.optimize import rosen

from fastadam import minimize
from fastadam._objective.layout import BEST_X, LOWER, SIZE, STATE, UPPER, X
from fastadam._search import simplex
from fastadam._search.metric import rows_needed
from tests.api.minimize.helpers import Recorder

INF = np.inf


class Run:
    """A simplex in Python, from a point on."""

    def __init__(self, fun, x0, lower=-INF, upper=INF, settled=0, maxiter=10**6):
        n = len(x0)
        self.fun, self.points, self.values = fun, [], []
        self.s = SimpleNamespace(best_f=fun(np.array(x0)), settled=settled, nit=0, maxiter=maxiter)
        self.s.first_f = self.s.best_f
        self.s.nfev, self.s.maxfev, self.s.cost, self.s.cost_each = 1, 10**6, 1 + 2 * n, 2
        self.vectors = np.zeros((STATE, n))
        self.vectors[BEST_X] = x0
        self.vectors[LOWER], self.vectors[UPPER] = lower, upper
        self.vectors[SIZE] = np.abs(x0)
        self.rows = np.full((rows_needed(n), n), np.nan)  # a metric's

    def drive(self):
        """Go on to its end."""
        goes_on = simplex.begin(self.s, self.vectors)
        while goes_on:
            x = self.vectors[X].copy()
            self.points.append(x)
            self.s.f = self.fun(x)
            self.values.append(self.s.f)
            goes_on = simplex.advance(self.s, self.vectors, self.rows)
        return self


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_points_are_scipys(n):
    """With edges of 5 % of x, as SciPy has them."""

    def fun(x):
        return np.sum(np.abs(x - 0.3) ** 1.5) + np.sum(np.abs(np.diff(x)))

    x0 = np.linspace(1.0, 2.0, n)
    run, peer = Run(fun, x0).drive(), Recorder(fun)
    scipy_minimize(peer, x0, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-15})
    same = 25 * n
    assert len(run.points) > same
    np.testing.assert_allclose(run.points[:same], peer.points[1 : 1 + same], rtol=1e-9, atol=1e-9)
    assert min(run.values) == pytest.approx(0.0, abs=1e-3)


def test_nan_is_the_highest_value():
    run = Run(
        lambda x: np.nan if x[0] > 2.0 else (x[0] + 1.0) ** 2 + x[1] ** 2, [1.99, 1.0]
    ).drive()
    assert np.isnan(run.values[0])
    np.testing.assert_allclose(run.points[np.nanargmin(run.values)], [-1.0, 0.0], atol=1e-3)


def test_bounds_are_kept():
    lower, upper = np.array([0.5, -1.0, 1.0]), np.array([2.0, 1.0, 1.0])
    run = Run(lambda x: np.sum((x + 1.0) ** 2), [2.0, 1.0, 1.0], lower, upper).drive()
    points = np.array(run.points)
    assert ((points >= lower) & (points <= upper)).all()
    np.testing.assert_allclose(points[np.argmin(run.values)], [0.5, -1.0, 1.0], atol=1e-2)


def test_no_vertex_is_evaluated_where_it_cannot_move():
    run = Run(rosen, [-1.2, 1.0, 1.0], [-INF, 1.0, -INF], [INF, 1.0, INF]).drive()
    assert len({tuple(point) for point in run.points[:8]}) == 8


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_look_is_short(n):
    """Where there is nothing lower: a vertex beside each variable, two moves, a shrink in them."""
    run = Run(lambda x: np.sum((x - 1.0) ** 2), np.ones(n), settled=1).drive()
    assert n < len(run.points) <= n + 6 * n


def test_a_plain_ends():
    run = Run(lambda x: 1.0, [1.0, 2.0]).drive()
    assert len(run.points) < 100


def test_it_ends_with_the_iterations():
    run = Run(rosen, [-1.2, 1.0], maxiter=17).drive()
    assert len(run.points) == run.s.nit == 17


def canyon(x):
    """A kink along a curve, at whose bottom the slope tells nothing of the way."""
    return np.abs(x[0] - 1.0) + 100.0 * np.abs(x[1] - x[0] ** 2)


@pytest.mark.parametrize("x0", [[-1.2, 1.0], [0.5, 2.0], [2.0, -1.0]])
def test_the_bottom_of_a_kink(x0):
    result = minimize(canyon, x0)
    assert result.success
    assert result.fun < 1e-6


def has_nothing_lower_beside(fun, x):
    lowest = scipy_minimize(fun, x, method="Nelder-Mead").fun
    return lowest >= fun(x) - 1e-5 * (1.0 + abs(fun(x)))


def test_rings_that_descents_end_in():
    """The slope is 0 there, and a few points around it tell that it is no place to stay."""

    def fun(x):
        r = np.sqrt(np.sum(x**2))
        return 1.0 - np.cos(2.0 * np.pi * r) + 0.1 * r

    starts = np.random.default_rng(0).uniform(-50.0, 50.0, (20, 3))
    results = [minimize(fun, x0) for x0 in starts]
    assert all(result.success for result in results)
    assert np.mean([has_nothing_lower_beside(fun, result.x) for result in results]) >= 0.9
