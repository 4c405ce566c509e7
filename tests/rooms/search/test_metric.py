"""What is known of the Hessian, against plain NumPy."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastadam._objective.layout import (
    DIRECTION,
    FREE,
    GRAD,
    ORIGIN,
    ORIGIN_GRAD,
    STATE,
    UNIT,
    X,
)
from fastadam._search import metric as metrics

MANY = metrics.MOST_DENSE + 6
UNITS = pytest.mark.parametrize("units", [1.0, 1e-9, "mixed"])


def random(seed=0):
    return np.random.default_rng(seed)


class Metric:
    """The memory of a metric of n variables, and what a descent does to it."""

    def __init__(self, n, units=1.0, is_guess=0):
        self.s = SimpleNamespace(updates=0, is_guess=is_guess)
        self.vectors = np.zeros((STATE, n))
        self.rows = np.full((metrics.rows_needed(n), n), np.nan)  # of a search before
        self.vectors[FREE] = 1.0
        self.units = 10.0 ** random(9).integers(-6, 6, n) if units == "mixed" else np.full(n, units)
        self.vectors[UNIT] = self.units

    def start(self, diagonal):
        for i, value in enumerate(np.broadcast_to(diagonal, self.units.shape)):
            metrics.set_diagonal(self.rows, i, value)
        return self

    @classmethod
    def of(cls, matrix, units=1.0):
        """Make a dense one that holds a matrix, which is in units."""
        made = cls(len(matrix), units).start(0.0)
        made.rows[1:] = np.tril(matrix) + np.triu(made.rows[1:], 1)
        return made

    @property
    def matrix(self):
        lower = np.tril(self.rows[1:])
        return lower + np.tril(lower, -1).T

    def update(self, step, change):
        """Take in a step and a change of the gradient, both in units."""
        x, g = random(1).normal(size=(2, step.size))
        self.vectors[ORIGIN], self.vectors[X] = x * self.units, (x + step) * self.units
        self.vectors[ORIGIN_GRAD] = g / self.units
        self.vectors[GRAD] = (g + change) / self.units
        metrics.update(self.s, self.vectors, self.rows)

    def solve(self, gradient, free=None):
        """Return the direction for a gradient, both in units."""
        self.vectors[FREE] = 1.0 if free is None else free
        self.vectors[ORIGIN_GRAD] = gradient / self.units
        metrics.solve(self.s, self.vectors, self.rows)
        return self.vectors[DIRECTION] / self.units


def positive(n, seed=0):
    root = random(seed).normal(size=(n, n))
    return root @ root.T + np.eye(n)


def bfgs(matrix, step, change):
    """Return the formula of Broyden, Fletcher, Goldfarb and Shanno."""
    along = matrix @ step
    matrix = matrix - np.outer(along, along) / (step @ along)
    return matrix + np.outer(change, change) / (step @ change)


def damped(matrix, step, change):
    """Return the change of the gradient as Powell has it: a fifth of the curvature remains."""
    curvature, along = step @ matrix @ step, matrix @ step
    if step @ change >= 0.2 * curvature:
        return change
    keep = 0.8 * curvature / (curvature - step @ change)
    return keep * change + (1 - keep) * along


def test_rows_needed():
    assert metrics.rows_needed(1) == 2
    assert metrics.rows_needed(metrics.MOST_DENSE) == 1 + metrics.MOST_DENSE
    assert metrics.rows_needed(MANY) == metrics.rows_needed(10**6) == 2 + 2 * metrics.PAIRS


# ---------------------------------------------------------------------------------------------
# Few variables
# ---------------------------------------------------------------------------------------------


@UNITS
@pytest.mark.parametrize("n", [1, 2, 5, metrics.MOST_DENSE])
def test_the_direction_is_newtons(n, units):
    matrix, gradient = positive(n), random(2).normal(size=n)
    direction = Metric.of(matrix, units).solve(gradient)
    np.testing.assert_allclose(direction, -np.linalg.solve(matrix, gradient), rtol=1e-9, atol=1e-12)


def test_what_is_held_is_left_out():
    matrix, gradient = positive(5), random(2).normal(size=5)
    free = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    some = free > 0
    metric = Metric.of(matrix)
    direction = metric.solve(gradient, free)
    expected = -np.linalg.solve(matrix[np.ix_(some, some)], gradient[some])
    np.testing.assert_allclose(direction[some], expected, rtol=1e-10)
    assert (direction[~some] == 0).all()
    np.testing.assert_array_equal(metric.matrix, matrix)
    np.testing.assert_allclose(metric.solve(gradient), -np.linalg.solve(matrix, gradient))
    assert (metric.solve(gradient, np.zeros(5)) == 0).all()


@UNITS
def test_the_update_is_that_of_the_literature(units):
    metric, matrix, hessian = Metric.of(positive(4), units), positive(4), positive(4, seed=3)
    for step in random(4).normal(size=(6, 4)):
        metric.update(step, hessian @ step)
        matrix = bfgs(matrix, step, damped(matrix, step, hessian @ step))
        np.testing.assert_allclose(metric.matrix, matrix, rtol=1e-7, atol=1e-7)
    assert metric.s.updates == 6


def test_the_last_step_is_understood():
    """The secant equation: the matrix explains the change of the gradient."""
    metric, step = Metric.of(positive(3)), np.array([0.3, -0.1, 0.2])
    change = 2.0 * positive(3) @ step
    metric.update(step, change)
    np.testing.assert_allclose(metric.matrix @ step, change)


@pytest.mark.parametrize("factor", [0.5, 0.1, 0.0, -1.0, -1e6])
def test_an_update_keeps_it_positive_definite(factor):
    """Whatever the curvature along the step: Powell's damping."""
    matrix, step = positive(4), random(5).normal(size=4)
    change = factor * matrix @ step
    metric = Metric.of(matrix)
    metric.update(step, change)
    np.testing.assert_allclose(metric.matrix, bfgs(matrix, step, damped(matrix, step, change)))
    assert np.linalg.eigvalsh(metric.matrix).min() > 0
    assert step @ metric.matrix @ step >= (0.2 - 1e-9) * (step @ matrix @ step)


@pytest.mark.parametrize("n", [3, MANY])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_not_taken_in(n, bad):
    metric = Metric(n).start(2.0)
    change = np.ones(n)
    change[1] = bad
    metric.update(np.ones(n), change)
    metric.update(np.zeros(n), np.ones(n))
    assert metric.s.updates == 0
    gradient = random(2).normal(size=n)
    np.testing.assert_allclose(metric.solve(gradient), -gradient / 2.0)


@pytest.mark.parametrize("n", [3, MANY])
def test_a_guess_takes_its_size_from_the_first_step(n):
    metric, gradient = Metric(n, is_guess=1).start(1.0), random(2).normal(size=n)
    step = random(6).normal(size=n)
    metric.update(step, 50.0 * step)
    assert metric.s.is_guess == 0
    np.testing.assert_allclose(metric.solve(gradient), -gradient / 50.0)
    metric.update(step, 5.0 * step)  # and only from the first
    across = gradient - step * (gradient @ step) / (step @ step)
    if n == 3:
        np.testing.assert_allclose(metric.solve(across), -across / 50.0)


INDEFINITE = {
    "saddle": [[1.0, 2.0], [2.0, 1.0]],
    "maximum": [[-2.0, 0.5], [0.5, -1.0]],
    "flat": [[1.0, 1.0], [1.0, 1.0]],
    "nothing known": [[0.0, 0.0], [0.0, 0.0]],
    "nothing on the diagonal": [[0.0, 1.0], [1.0, 0.0]],
    "one direction only": [[0.0, 0.0], [0.0, 3.0]],
    "of two scales": [[1e-8, 1.0], [1.0, 1e8]],
    "of two scales, and worse": [[1e-8, 100.0], [100.0, 1e8]],
}


@pytest.mark.parametrize("kind", INDEFINITE)
def test_the_direction_leads_downhill_whatever_the_matrix(kind):
    metric = Metric.of(np.array(INDEFINITE[kind]))
    metrics.fill_diagonal(metric.rows, 1e-12)  # as all first metrics are
    for gradient in ([1.0, 0.0], [0.0, 1.0], [1.0, -1.0], [-3.0, -2.0]):
        direction = metric.solve(np.array(gradient))
        assert np.isfinite(direction).all()
        assert direction @ gradient < 0.0
    assert metric.solve(np.zeros(2)).tolist() == [0.0, 0.0]


def test_what_is_made_definite_stays_so():
    """So a shift is looked for once, and an update starts from what the step was made with."""
    metric = Metric.of(np.array(INDEFINITE["saddle"]))
    first = metric.solve(np.array([1.0, 0.5]))
    assert np.linalg.eigvalsh(metric.matrix).min() > 0.0
    np.testing.assert_allclose(metric.matrix @ first, [-1.0, -0.5], rtol=1e-6)
    np.testing.assert_allclose(metric.solve(np.array([1.0, 0.5])), first, rtol=1e-6)


def test_columns_of_a_hessian():
    """Each element beside the diagonal is known twice, and the mean counts."""
    metric = Metric(3).start(0.0)
    columns = random(7).normal(size=(3, 3))
    for i in range(3):
        for j in range(3):
            metrics.set_column(metric.rows, i, j, columns[i, j])
    np.testing.assert_allclose(metric.matrix, (columns + columns.T) / 2)


@pytest.mark.parametrize("n", [3, MANY])
def test_no_diagonal_is_nothing(n):
    for values, expected in (((0.0, -4.0, 1e-9), (0.4, -4.0, 0.4)), ((0.0,) * 3, (0.1,) * 3)):
        metric = Metric(n).start(np.resize(values, n))
        metrics.fill_diagonal(metric.rows, 0.1)
        diagonal = [metrics.diagonal(metric.rows, i) for i in range(n)]
        np.testing.assert_allclose(diagonal, np.resize(expected, n))


# ---------------------------------------------------------------------------------------------
# Many variables
# ---------------------------------------------------------------------------------------------


def two_loops(pairs, diagonal, gradient):
    """Return Nocedal's direction: Algorithm 7.4 of Nocedal and Wright."""
    q, alphas = gradient.copy(), []
    for step, change in reversed(pairs):
        alphas.append(step @ q / (step @ change))
        q -= alphas[-1] * change
    r = q / diagonal
    for (step, change), alpha in zip(pairs, reversed(alphas), strict=True):
        r += step * (alpha - change @ r / (step @ change))
    return -r


@UNITS
@pytest.mark.parametrize("count", [0, 1, 5, metrics.PAIRS, 2 * metrics.PAIRS + 3])
def test_the_recursion_is_that_of_the_literature(count, units):
    hessian, gradient = positive(MANY, seed=3), random(2).normal(size=MANY)
    diagonal = random(8).uniform(1.0, 2.0, MANY)
    metric, pairs = Metric(MANY, units).start(diagonal), []
    for step in random(4).normal(size=(count, MANY)):
        change = hessian @ step
        metric.update(step, change)
        pairs.append((step, change))
        diagonal = diagonal * (change @ (change / diagonal)) / (step @ change)
    expected = two_loops(pairs[-metrics.PAIRS :], diagonal, gradient)
    np.testing.assert_allclose(metric.solve(gradient), expected, rtol=1e-6, atol=1e-9)


def test_pairs_of_no_positive_curvature_are_dropped():
    metric, gradient = Metric(MANY).start(3.0), random(2).normal(size=MANY)
    step = random(4).normal(size=MANY)
    for factor in (0.0, -1.0):
        metric.update(step, factor * step)
    assert metric.s.updates == 0
    np.testing.assert_allclose(metric.solve(gradient), -gradient / 3.0)


def test_what_is_held_does_not_move_among_many():
    free = np.ones(MANY)
    free[::3] = 0.0
    metric, gradient = Metric(MANY).start(2.0), random(2).normal(size=MANY)
    hessian = positive(MANY, seed=3)
    for step in random(4).normal(size=(4, MANY)):
        metric.update(step, hessian @ step)
    direction = metric.solve(gradient, free)
    assert (direction[free == 0.0] == 0.0).all()
    assert direction @ gradient < 0.0
