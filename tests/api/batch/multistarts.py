"""A function of four minima, and results whose end points are their starts."""

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

import fastadam
from fastadam import problems

BOX = [(-5.0, 5.0), (-5.0, 5.0)]
HIMMELBLAU = problems.himmelblau()
SAMPLINGS = ("sobol", "latin-hypercube")
each_sampling = pytest.mark.parametrize("sampling", SAMPLINGS)


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2


def himmelblau_der(x):
    a, b = x[0] ** 2 + x[1] - 11.0, x[0] + x[1] ** 2 - 7.0
    return np.array([4.0 * x[0] * a + 2.0 * b, 2.0 * a + 4.0 * x[1] * b])


def multistart(fun=himmelblau, bounds=BOX, n_starts=100, **arguments):
    return fastadam.multistart(fun, bounds, n_starts, **arguments)


def starts(bounds=BOX, n_starts=100, **arguments):
    """Return the starts, as the end points of solves of no iterations."""
    result = multistart(bounds=bounds, n_starts=n_starts, options={"maxiter": 0}, **arguments)
    return result.solutions.x


def ends(fun, bounds, n_starts, **arguments):
    """Return a result whose end points are its starts: all gradients are 0."""
    return multistart(fun, bounds, n_starts, jac=np.zeros_like, **arguments)


def assert_same(a, b):
    """Require the same results, bit for bit."""
    assert a.keys() == b.keys()
    for key in a:
        if isinstance(a[key], OptimizeResult):
            assert_same(a[key], b[key])
        else:
            np.testing.assert_array_equal(a[key], b[key])
